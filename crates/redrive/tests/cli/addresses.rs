//! What stands at the address of a server, where that is no Redrive: told for what it is, and asked no more than once.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use super::site::Site;

/// An address where somebody answers everything with `answer`, whatever is asked.
fn answers(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut asked = [0; 4096];
            // Whoever asks may have gone.
            let _ = connection.read(&mut asked);
            let _ = connection.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn whatever_answers_in_place_of_a_server_is_told_for_what_it_is() {
    let site = Site::without_server();
    for (answer, code, told) in [
        (
            "HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 6\r\n\r\n<html>",
            2,
            "no Redrive answers at ",
        ),
        (
            "HTTP/1.1 301 Moved Permanently\r\nlocation: https://other.example/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            1,
            "to https://other.example/: name that address",
        ),
        (
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\n<html>",
            1,
            "does not speak as this redrive does",
        ),
    ] {
        let ran = site.run(&format!("orders list --server {}", answers(answer)));
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
        assert!(ran.stderr.contains("\nhint: "), "{ran:?}");
    }
}

#[test]
fn a_server_on_this_machine_is_asked_past_every_proxy() {
    let site = Site::without_server();
    let server =
        answers("HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    let ran = site.run_line(&format!(
        "http_proxy=http://127.0.0.1:1 redrive orders list --server {server}"
    ));
    assert!(ran.stdout.contains("no Redrive answers at "), "{ran:?}");
}

#[test]
fn an_address_with_more_than_a_place_in_it_is_refused_and_not_repeated() {
    let site = Site::without_server();
    for address in [
        "https://ann:secret@redrive.example",
        "https://redrive.example?token=secret",
        "https://redrive.example#secret",
        "redrive.example",
    ] {
        site.run(&format!("status --server {address}")).says(
            1,
            "error: what --server or REDRIVE_SERVER names is no address of a server.\n\
             hint: write it like https://redrive.example or http://127.0.0.1:8420; a token stands in REDRIVE_TOKEN.",
        );
    }
}

#[test]
fn a_command_that_no_server_does_says_so() {
    Site::without_server()
        .run("doctor --server http://127.0.0.1:1")
        .says(
            1,
            "error: no server does this command.\n\
             hint: leave --server out: it works where it is given, on the ledger and Temporal themselves.",
        );
}
