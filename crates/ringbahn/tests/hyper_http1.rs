//! HTTP/1 with hyper, server and client, on connections of a driver.

use futures::executor::block_on;

#[path = "support/http.rs"]
mod http;
#[path = "support/http1.rs"]
mod http1;
#[path = "support/support.rs"]
mod support;
#[path = "support/tasks.rs"]
mod tasks;

use support::driver;
use tasks::{Tasks, on_local_driver};

#[test]
fn many_requests_on_one_connection() {
    let Some(driver) = driver("many_requests_on_one_connection") else { return };
    block_on(Tasks::run(|tasks| http1::many_requests_on_one_connection(driver, tasks)));
}

#[test]
fn many_requests_on_one_connection_on_the_local_driver() {
    on_local_driver(
        "many_requests_on_one_connection_on_the_local_driver",
        http1::many_requests_on_one_connection,
    );
}

#[test]
fn chunked_bodies_arrive_whole() {
    let Some(driver) = driver("chunked_bodies_arrive_whole") else { return };
    block_on(Tasks::run(|tasks| http1::chunked_bodies_arrive_whole(driver, tasks)));
}

#[test]
fn chunked_bodies_arrive_whole_on_the_local_driver() {
    on_local_driver(
        "chunked_bodies_arrive_whole_on_the_local_driver",
        http1::chunked_bodies_arrive_whole,
    );
}

#[test]
fn big_bodies_go_both_ways() {
    let Some(driver) = driver("big_bodies_go_both_ways") else { return };
    block_on(Tasks::run(|tasks| http1::big_bodies_go_both_ways(driver, tasks)));
}

#[test]
fn big_bodies_go_both_ways_on_the_local_driver() {
    on_local_driver("big_bodies_go_both_ways_on_the_local_driver", http1::big_bodies_go_both_ways);
}

#[test]
fn requests_sent_at_once_are_answered_in_order() {
    let Some(driver) = driver("requests_sent_at_once_are_answered_in_order") else { return };
    block_on(Tasks::run(|tasks| http1::requests_sent_at_once_are_answered_in_order(driver, tasks)));
}

#[test]
fn requests_sent_at_once_are_answered_in_order_on_the_local_driver() {
    on_local_driver(
        "requests_sent_at_once_are_answered_in_order_on_the_local_driver",
        http1::requests_sent_at_once_are_answered_in_order,
    );
}

#[test]
fn a_client_that_goes_away_ends_its_own_connection_only() {
    let name = "a_client_that_goes_away_ends_its_own_connection_only";
    let Some(driver) = driver(name) else { return };
    block_on(Tasks::run(|tasks| {
        http1::a_client_that_goes_away_ends_its_own_connection_only(driver, tasks)
    }));
}

#[test]
fn a_client_that_goes_away_ends_its_own_connection_only_on_the_local_driver() {
    on_local_driver(
        "a_client_that_goes_away_ends_its_own_connection_only_on_the_local_driver",
        http1::a_client_that_goes_away_ends_its_own_connection_only,
    );
}

#[test]
fn a_client_that_says_nothing_is_timed_out() {
    let Some(driver) = driver("a_client_that_says_nothing_is_timed_out") else { return };
    block_on(Tasks::run(|tasks| http1::a_client_that_says_nothing_is_timed_out(driver, tasks)));
}

#[test]
fn a_client_that_says_nothing_is_timed_out_on_the_local_driver() {
    on_local_driver(
        "a_client_that_says_nothing_is_timed_out_on_the_local_driver",
        http1::a_client_that_says_nothing_is_timed_out,
    );
}

/// As an ordinary program would have it: tokio's tasks, and nothing of tokio's IO or timers.
#[test]
fn tasks_of_tokio_serve_as_well() {
    use std::net::{TcpListener, TcpStream};

    use hyper::service::service_fn;
    use ringbahn::Ring;

    if let Err(error) = ringbahn::DefaultDriver::shared() {
        return support::skip("tasks_of_tokio_serve_as_well", &format!("no io_uring: {error}"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let client = async {
        let listener = Ring::<TcpListener>::bind(([127, 0, 0, 1], 0)).unwrap();
        let address = listener.get_ref().local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let service = http::Service::default();
                let answer = service_fn(move |request| service.clone().answer(request));
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(stream, answer));
            }
        });
        let clients: Vec<_> = (0..16)
            .map(|_| {
                tokio::spawn(async move {
                    let stream = Ring::<TcpStream>::connect(address).await.unwrap();
                    let (mut client, connection) =
                        hyper::client::conn::http1::handshake(stream).await.unwrap();
                    tokio::spawn(connection);
                    let data = http::pattern(300_000);
                    let request = hyper::Request::post("/echo").body(http::whole(data.clone()));
                    let response = client.send_request(request.unwrap()).await.unwrap();
                    assert!(http::collect(response.into_body()).await.unwrap() == data);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
    };
    runtime.block_on(client);
}
