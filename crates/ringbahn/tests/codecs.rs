//! Codecs of tokio-util, upon connections of a driver.

use futures::executor::block_on;

#[path = "support/codecs.rs"]
mod codecs;
#[path = "support/support.rs"]
mod support;
#[path = "support/tasks.rs"]
mod tasks;

use support::driver;
use tasks::on_local_driver;

#[test]
fn lines_are_answered_one_by_one() {
    let Some(driver) = driver("lines_are_answered_one_by_one") else { return };
    block_on(codecs::lines_are_answered_one_by_one(driver));
}

#[test]
fn lines_are_answered_one_by_one_on_the_local_driver() {
    on_local_driver("lines_are_answered_one_by_one_on_the_local_driver", |driver, _| {
        codecs::lines_are_answered_one_by_one(driver)
    });
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_one_read() {
    let name = "a_line_that_is_too_long_is_refused_and_the_next_one_read";
    let Some(driver) = driver(name) else { return };
    block_on(codecs::a_line_that_is_too_long_is_refused_and_the_next_one_read(driver));
}

#[test]
fn a_line_that_is_too_long_is_refused_and_the_next_one_read_on_the_local_driver() {
    on_local_driver(
        "a_line_that_is_too_long_is_refused_and_the_next_one_read_on_the_local_driver",
        |driver, _| codecs::a_line_that_is_too_long_is_refused_and_the_next_one_read(driver),
    );
}

#[test]
fn frames_of_every_size_arrive_in_order() {
    let Some(driver) = driver("frames_of_every_size_arrive_in_order") else { return };
    block_on(codecs::frames_of_every_size_arrive_in_order(driver));
}

#[test]
fn frames_of_every_size_arrive_in_order_on_the_local_driver() {
    on_local_driver("frames_of_every_size_arrive_in_order_on_the_local_driver", |driver, _| {
        codecs::frames_of_every_size_arrive_in_order(driver)
    });
}

#[test]
fn a_frame_that_breaks_off_is_an_error() {
    let Some(driver) = driver("a_frame_that_breaks_off_is_an_error") else { return };
    block_on(codecs::a_frame_that_breaks_off_is_an_error(driver));
}

#[test]
fn a_frame_that_breaks_off_is_an_error_on_the_local_driver() {
    on_local_driver("a_frame_that_breaks_off_is_an_error_on_the_local_driver", |driver, _| {
        codecs::a_frame_that_breaks_off_is_an_error(driver)
    });
}
