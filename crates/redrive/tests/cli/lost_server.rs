//! A worker that loses its server says so once, and once that it is back.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redrive::dev_server::{DevServer, DevServerOptions};
use redrive::temporal_cli;

use super::site::Site;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_server_is_told_once_and_its_return_once() {
    let folder = tempfile::tempdir().unwrap();
    let options = DevServerOptions {
        cli: temporal_cli::find(None).expect("`make setup` fetches the Temporal CLI"),
        database: Some(folder.path().join("temporal.db")),
        log: folder.path().join("temporal.log"),
        namespace: "default".to_owned(),
        port: None,
        ui: false,
    };
    let mut server = DevServer::start(&options).await.unwrap();
    let address = server.address();
    let site = Site::at(&address, "default");
    let worker = site.start("worker");
    worker.hear("Ready.");
    let quiet = site.run("run").well();
    worker.hear("a batch has ended");
    assert!(quiet.stderr.is_empty(), "{quiet:?}");

    kill(
        Pid::from_raw(server.pid().unwrap().try_into().unwrap()),
        Signal::SIGKILL,
    )
    .unwrap();
    server.ended().await;
    let away = worker.hear("the Temporal server does not answer; trying again until it does");
    assert_eq!(away.len(), 1, "{away:#?}");

    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let server = DevServer::start(&DevServerOptions {
        port: Some(port),
        ..options
    })
    .await
    .unwrap();
    assert_eq!(server.address(), address);
    let back = worker.hear("the Temporal server answers again");
    assert_eq!(back.len(), 1, "{back:#?}");
    site.run("run").well();
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended().code(), Some(0));
    server.stop().await.unwrap();
}
