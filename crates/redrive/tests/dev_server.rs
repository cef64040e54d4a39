//! The Temporal development server that `up` and `demo` bring with them.

use std::net::TcpStream;
use std::process::Command;

use redrive::dev_server::{DevServer, DevServerOptions};
use redrive::{connect::Target, temporal_cli};
use redrive_fulfillment::testbed::eventually;

/// Plays a process that holds a server and is killed, when it is given a folder.
const HELD: &str = "REDRIVE_TEST_HOLD_A_SERVER";

fn options(folder: &std::path::Path) -> DevServerOptions {
    DevServerOptions {
        cli: temporal_cli::find(None).expect("`make setup` fetches the Temporal CLI"),
        database: None,
        log: folder.join("server.log"),
        namespace: "orders".to_owned(),
        port: None,
        ui: false,
    }
}

fn listens(address: &str) -> bool {
    TcpStream::connect(address).is_ok()
}

#[tokio::test]
async fn it_answers_when_started_and_is_gone_when_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let server = DevServer::start(&options(folder.path())).await.unwrap();
    let address = server.address();
    Target::plain(&address, "orders")
        .unwrap()
        .connect()
        .await
        .unwrap();
    assert!(listens(&address));
    server.stop().await.unwrap();
    assert!(!listens(&address));
}

#[tokio::test]
async fn a_port_that_is_taken_is_left_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let server = DevServer::start(&DevServerOptions {
        port: Some(port),
        ..options(folder.path())
    })
    .await
    .unwrap();
    assert_ne!(server.address(), format!("127.0.0.1:{port}"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_file_that_cannot_be_used_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let database = Some(folder.path().join("missing/folder/server.db"));
    let error = DevServer::start(&DevServerOptions {
        database,
        ..options(folder.path())
    })
    .await
    .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the Temporal dev server does not start: "),
        "{error}"
    );
}

#[test]
fn a_killed_process_takes_its_server_along() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holds_a_server_when_asked_to", "--nocapture"])
        .env(HELD, folder.path())
        .spawn()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let note = folder.path().join("address");
    let address = runtime.block_on(eventually("the server's address", || async {
        std::fs::read_to_string(&note)
            .ok()
            .filter(|address| !address.is_empty())
    }));
    assert!(listens(&address));
    holder.kill().unwrap();
    holder.wait().unwrap();
    runtime.block_on(eventually("the server to end", || async {
        (!listens(&address)).then_some(())
    }));
}

#[tokio::test]
async fn holds_a_server_when_asked_to() {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test that plays a killed process is told so by its parent"
    )]
    let Some(folder) = std::env::var_os(HELD) else {
        return;
    };
    let folder = std::path::PathBuf::from(folder);
    let server = DevServer::start(&options(&folder)).await.unwrap();
    std::fs::write(folder.join("address"), server.address()).unwrap();
    std::future::pending::<()>().await;
}
