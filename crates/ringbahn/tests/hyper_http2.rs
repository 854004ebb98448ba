//! HTTP/2 with hyper, server and client, on a connection of a driver.

use futures::executor::block_on;

#[path = "support/http.rs"]
mod http;
#[path = "support/http2.rs"]
mod http2;
#[path = "support/support.rs"]
mod support;
#[path = "support/tasks.rs"]
mod tasks;

use support::driver;
use tasks::{Tasks, on_local_driver};

#[test]
fn a_hundred_streams_at_once() {
    let Some(driver) = driver("a_hundred_streams_at_once") else { return };
    block_on(Tasks::run(|tasks| http2::a_hundred_streams_at_once(driver, tasks)));
}

#[test]
fn a_hundred_streams_at_once_on_the_local_driver() {
    on_local_driver(
        "a_hundred_streams_at_once_on_the_local_driver",
        http2::a_hundred_streams_at_once,
    );
}

#[test]
fn big_bodies_go_both_ways() {
    let Some(driver) = driver("big_bodies_go_both_ways") else { return };
    block_on(Tasks::run(|tasks| http2::big_bodies_go_both_ways(driver, tasks)));
}

#[test]
fn big_bodies_go_both_ways_on_the_local_driver() {
    on_local_driver("big_bodies_go_both_ways_on_the_local_driver", http2::big_bodies_go_both_ways);
}

#[test]
fn a_stream_that_is_reset_ends_alone() {
    let Some(driver) = driver("a_stream_that_is_reset_ends_alone") else { return };
    block_on(Tasks::run(|tasks| http2::a_stream_that_is_reset_ends_alone(driver, tasks)));
}

#[test]
fn a_stream_that_is_reset_ends_alone_on_the_local_driver() {
    on_local_driver(
        "a_stream_that_is_reset_ends_alone_on_the_local_driver",
        http2::a_stream_that_is_reset_ends_alone,
    );
}

#[test]
fn a_peer_that_answers_no_ping_is_given_up() {
    let Some(driver) = driver("a_peer_that_answers_no_ping_is_given_up") else { return };
    block_on(Tasks::run(|tasks| http2::a_peer_that_answers_no_ping_is_given_up(driver, tasks)));
}

#[test]
fn a_peer_that_answers_no_ping_is_given_up_on_the_local_driver() {
    on_local_driver(
        "a_peer_that_answers_no_ping_is_given_up_on_the_local_driver",
        http2::a_peer_that_answers_no_ping_is_given_up,
    );
}
