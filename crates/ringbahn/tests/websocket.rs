//! WebSockets with tokio-tungstenite, upon connections of a driver.

use futures::executor::block_on;

#[path = "support/support.rs"]
mod support;
#[path = "support/tasks.rs"]
mod tasks;
#[path = "support/websocket.rs"]
mod websocket;

use support::driver;
use tasks::on_local_driver;

#[test]
fn messages_of_every_kind_are_echoed() {
    let Some(driver) = driver("messages_of_every_kind_are_echoed") else { return };
    block_on(websocket::messages_of_every_kind_are_echoed(driver));
}

#[test]
fn messages_of_every_kind_are_echoed_on_the_local_driver() {
    on_local_driver("messages_of_every_kind_are_echoed_on_the_local_driver", |driver, _| {
        websocket::messages_of_every_kind_are_echoed(driver)
    });
}

#[test]
fn a_peer_that_leaves_without_closing_is_an_error() {
    let Some(driver) = driver("a_peer_that_leaves_without_closing_is_an_error") else { return };
    block_on(websocket::a_peer_that_leaves_without_closing_is_an_error(driver));
}

#[test]
fn a_peer_that_leaves_without_closing_is_an_error_on_the_local_driver() {
    on_local_driver(
        "a_peer_that_leaves_without_closing_is_an_error_on_the_local_driver",
        |driver, _| websocket::a_peer_that_leaves_without_closing_is_an_error(driver),
    );
}
