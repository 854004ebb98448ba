//! TLS with rustls, upon connections of a driver.

use futures::executor::block_on;

#[path = "support/support.rs"]
mod support;
#[path = "support/tasks.rs"]
mod tasks;
#[path = "support/tls.rs"]
mod tls;

use support::driver;
use tasks::on_local_driver;

#[test]
fn much_data_comes_back_as_it_was() {
    let Some(driver) = driver("much_data_comes_back_as_it_was") else { return };
    block_on(tls::much_data_comes_back_as_it_was(driver));
}

#[test]
fn much_data_comes_back_as_it_was_on_the_local_driver() {
    on_local_driver("much_data_comes_back_as_it_was_on_the_local_driver", |driver, _| {
        tls::much_data_comes_back_as_it_was(driver)
    });
}

#[test]
fn an_end_that_was_announced_is_an_end() {
    let Some(driver) = driver("an_end_that_was_announced_is_an_end") else { return };
    block_on(tls::an_end_that_was_announced_is_an_end(driver));
}

#[test]
fn an_end_that_was_announced_is_an_end_on_the_local_driver() {
    on_local_driver("an_end_that_was_announced_is_an_end_on_the_local_driver", |driver, _| {
        tls::an_end_that_was_announced_is_an_end(driver)
    });
}

#[test]
fn an_end_that_was_not_announced_is_an_error() {
    let Some(driver) = driver("an_end_that_was_not_announced_is_an_error") else { return };
    block_on(tls::an_end_that_was_not_announced_is_an_error(driver));
}

#[test]
fn an_end_that_was_not_announced_is_an_error_on_the_local_driver() {
    on_local_driver(
        "an_end_that_was_not_announced_is_an_error_on_the_local_driver",
        |driver, _| tls::an_end_that_was_not_announced_is_an_error(driver),
    );
}

#[test]
fn a_server_of_another_name_is_refused() {
    let Some(driver) = driver("a_server_of_another_name_is_refused") else { return };
    block_on(tls::a_server_of_another_name_is_refused(driver));
}

#[test]
fn a_server_of_another_name_is_refused_on_the_local_driver() {
    on_local_driver("a_server_of_another_name_is_refused_on_the_local_driver", |driver, _| {
        tls::a_server_of_another_name_is_refused(driver)
    });
}
