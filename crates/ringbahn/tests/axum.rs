//! A web application of axum, on connections of a driver.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use axum::serve::Listener;
use futures::channel::oneshot;
use futures::executor::block_on;
use ringbahn::{DefaultDriver, Ring};

#[path = "support/support.rs"]
mod support;
#[path = "support/tasks.rs"]
mod tasks;
#[path = "support/web_app.rs"]
mod web_app;

use support::driver;
use tasks::{Tasks, on_local_driver};
use web_app::{app, ask, client, requests_are_answered, text};

/// A listener of the driver, for axum.
struct Door(Ring<TcpListener>);

impl Listener for Door {
    type Io = Ring<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Ring<TcpStream>, SocketAddr) {
        loop {
            if let Ok(accepted) = self.0.accept().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }
}

/// Runs a test on the threads of tokio, which has neither IO nor timers here.
fn on_tokio(test: &str, run: impl Future<Output = ()>) {
    if let Err(error) = DefaultDriver::shared() {
        return support::skip(test, &format!("no io_uring: {error}"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(run);
}

#[test]
fn an_app_is_served_by_axum() {
    on_tokio("an_app_is_served_by_axum", async {
        let (app, mut hand) = app();
        let door = Door(Ring::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let address = door.local_addr().unwrap();
        tokio::spawn(async { axum::serve(door, app).await });
        let stream = Ring::<TcpStream>::connect(address).await.unwrap();
        let (mut client, connection) = client(stream).await;
        tokio::spawn(connection);
        requests_are_answered(&mut client, &mut hand).await;
    });
}

#[test]
fn a_server_that_is_to_end_answers_what_it_was_asked_before() {
    on_tokio("a_server_that_is_to_end_answers_what_it_was_asked_before", async {
        let (app, hand) = app();
        let door = Door(Ring::<TcpListener>::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
        let address = door.local_addr().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let server = axum::serve(door, app).with_graceful_shutdown(async { ended.await.unwrap() });
        let server = tokio::spawn(async { server.await });

        let stream = Ring::<TcpStream>::connect(address).await.unwrap();
        let (mut waiting, connection) = client(stream).await;
        tokio::spawn(connection);
        let idle = Ring::<TcpStream>::connect(address).await.unwrap();
        let (mut idle, connection) = client(idle).await;
        let idle_ended = tokio::spawn(connection);
        assert_eq!(text(ask(&mut idle, "/hello/idle", None).await).await, "hi idle");

        let slow = tokio::spawn(async move { text(ask(&mut waiting, "/slow", None).await).await });
        hand.asked.await.unwrap();
        end.send(()).unwrap();
        // The idle connection is closed at once, and soon nobody new is let in. Who has come while
        // the door was being closed is sent away, with a reset.
        idle_ended.await.unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match Ring::<TcpStream>::connect(address).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => break,
                other => assert!(Instant::now() < deadline, "not refused: {other:?}"),
            }
        }
        assert!(!server.is_finished());

        hand.answer.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), "at last");
        server.await.unwrap().unwrap();
    });
}

#[test]
fn an_app_is_served_by_hyper() {
    let Some(driver) = driver("an_app_is_served_by_hyper") else { return };
    block_on(Tasks::run(|tasks| web_app::an_app_is_served_by_hyper(driver, tasks)));
}

#[test]
fn an_app_is_served_by_hyper_on_the_local_driver() {
    on_local_driver(
        "an_app_is_served_by_hyper_on_the_local_driver",
        web_app::an_app_is_served_by_hyper,
    );
}
