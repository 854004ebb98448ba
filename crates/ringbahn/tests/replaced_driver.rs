//! Handles on the drivers that one takes for a reason.
//!
//! Goal: whatever a handle does on the default driver it does on the others that threads share, and
//! what a driver does not do it says.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use ringbahn::{
    BufResultExt, Drive, Forbidden, IopollDriver, NotPolled, Ring, ShardedDriver, Shared,
    SqpollDriver,
};
use tokio::time::timeout;

#[path = "support/support.rs"]
mod support;

/// How long a scenario may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// Runs `scenario` on three threads, and fails where it does not end in time.
fn within_time(scenario: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(3).enable_time().build().unwrap();
    runtime
        .block_on(async { timeout(PATIENCE, scenario).await.expect("it has not ended in time") });
}

/// The driver, or `None` and a line in the log where there is no io_uring.
fn or_skip<D>(test: &str, driver: io::Result<D>) -> Option<D> {
    driver.inspect_err(|error| support::skip(test, &format!("no io_uring: {error}"))).ok()
}

/// Clients and a server whose tasks move between threads; reads are abandoned on the way.
async fn echo<D>(driver: D)
where
    D: Drive<Sharing = Shared> + Clone + Send + Sync + Unpin + 'static,
{
    const CLIENTS: usize = 10;
    let listener = Ring::<TcpListener, D>::bind_on_driver((Ipv4Addr::LOCALHOST, 0), driver.clone());
    let listener = listener.unwrap();
    let address = listener.get_ref().local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut incoming = listener.incoming().take(CLIENTS);
        let mut tasks = Vec::new();
        while let Some(accepted) = incoming.next().await {
            let (stream, _) = accepted.unwrap();
            tasks.push(tokio::spawn(async move {
                let (mut reader, mut writer) = stream.into_split();
                futures::io::copy(&mut reader, &mut writer).await.unwrap();
                writer.close().await.unwrap();
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    let clients: Vec<_> = (0..CLIENTS as u8)
        .map(|number| {
            let driver = driver.clone();
            tokio::spawn(async move {
                let stream = Ring::<TcpStream, D>::connect_on_driver(address, driver).await;
                let mut stream = stream.unwrap();
                let mut answer = vec![0; 100];
                for _ in 0..20 {
                    // Nothing is there to be read: it is abandoned, and loses nothing.
                    let abandoned = stream.read(&mut answer);
                    assert!(futures::FutureExt::now_or_never(abandoned).is_none());
                    stream.write_all(&[number; 100]).await.unwrap();
                    stream.flush().await.unwrap();
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(answer, [number; 100]);
                    tokio::task::yield_now().await;
                }
                stream.close().await.unwrap();
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    server.await.unwrap();
}

#[test]
fn streams_on_several_rings() {
    let driver = ShardedDriver::builder().shards(3).entries(4).build();
    let Some(driver) = or_skip("streams_on_several_rings", driver) else { return };
    within_time(echo(driver.clone()));
    within_time(echo(driver.here()));
    let report = futures::executor::block_on(driver.shutdown(Duration::from_secs(10)));
    assert_eq!(report.leaked, 0);
}

#[test]
fn streams_on_a_ring_with_a_kernel_thread() {
    let driver = SqpollDriver::builder().entries(4).idle(Duration::from_millis(2)).build();
    let Some(driver) = or_skip("streams_on_a_ring_with_a_kernel_thread", driver) else { return };
    within_time(echo(driver.clone()));
    let report = futures::executor::block_on(driver.shutdown(Duration::from_secs(10)));
    assert_eq!(report.leaked, 0);
}

#[test]
fn a_file_on_a_ring_that_polls() {
    let driver = IopollDriver::builder().entries(4).build();
    let Some(driver) = or_skip("a_file_on_a_ring_that_polls", driver) else { return };
    let scenario = async {
        let opened = Ring::<File, _>::open_on_driver("/dev/null", driver.clone()).await;
        let forbidden = |error: io::Error| {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            error.get_ref().unwrap().downcast_ref::<Forbidden>().unwrap().opcode()
        };
        assert_eq!(forbidden(opened.unwrap_err()), ringbahn::opcode::OPENAT);
        let file = Ring::new_on_driver(tempfile::tempfile().unwrap(), driver.clone());
        let metadata = file.metadata().await;
        assert_eq!(forbidden(metadata.unwrap_err()), ringbahn::opcode::STATX);
        // It is not open for direct IO.
        let error = file.read_at(vec![0; 8], 0).await.both().unwrap_err();
        assert!(NotPolled::of(&io::Error::from(error)).is_some());
    };
    futures::executor::block_on(scenario);
    let report = futures::executor::block_on(driver.shutdown(Duration::from_secs(10)));
    assert_eq!(report.leaked, 0);
}
