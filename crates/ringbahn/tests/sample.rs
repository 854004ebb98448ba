//! The sample of the front page, word for word, on every executor, with nothing set up.

use futures::executor::block_on;

#[path = "../../ringbahn-drivers/tests/support/skip.rs"]
mod skip;

mod sample {
    use futures::io::AsyncReadExt;
    use ringbahn::Ring;
    use std::{fs::File, io};

    pub(crate) async fn read_on_ringbahn(file: File, buf: &mut [u8]) -> io::Result<usize> {
        let mut file: Ring<File> = Ring::new(file);
        file.read(buf).await
    }
}

async fn reads_a_file() {
    use std::io::Write;
    let mut named = tempfile::NamedTempFile::new().unwrap();
    named.write_all(b"hello, ring").unwrap();
    let mut buf = [0; 64];
    let file = std::fs::File::open(named.path()).unwrap();
    let count = sample::read_on_ringbahn(file, &mut buf).await.unwrap();
    assert_eq!(&buf[..count], b"hello, ring");
}

fn available(test: &str) -> bool {
    let driver = ringbahn::DefaultDriver::shared();
    if let Err(error) = &driver {
        skip::skip(test, &format!("no io_uring: {error}"));
    }
    driver.is_ok()
}

#[test]
fn it_reads_on_the_executor_of_futures() {
    if available("it_reads_on_the_executor_of_futures") {
        block_on(reads_a_file());
    }
}

#[test]
fn it_reads_on_tokio_with_one_thread() {
    if available("it_reads_on_tokio_with_one_thread") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(reads_a_file());
    }
}

#[test]
fn it_reads_on_tokio_with_many_threads() {
    if available("it_reads_on_tokio_with_many_threads") {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let runtime = runtime.unwrap();
        let tasks: Vec<_> = (0..16).map(|_| runtime.spawn(reads_a_file())).collect();
        runtime.block_on(async {
            for task in tasks {
                task.await.unwrap();
            }
        });
    }
}

#[test]
fn it_reads_on_smol() {
    if available("it_reads_on_smol") {
        smol::block_on(async {
            let tasks: Vec<_> = (0..16).map(|_| smol::spawn(reads_a_file())).collect();
            for task in tasks {
                task.await;
            }
        });
    }
}

/// Handles and futures go from thread to thread where their parts do.
#[test]
fn handles_and_futures_are_send_and_sync() {
    use ringbahn::{Incoming, Receive, Ring};
    use std::fs::File;
    use std::net::{TcpListener, TcpStream};
    fn is_send<T: Send>(_: &T) {}
    fn both<T: Send + Sync>() {}
    both::<Ring<File>>();
    both::<Ring<TcpStream>>();
    both::<Ring<TcpListener>>();
    both::<Ring<std::net::UdpSocket>>();
    both::<Ring<std::os::unix::net::UnixDatagram>>();
    both::<Ring<std::io::PipeReader>>();
    both::<Ring<std::io::Stdin>>();
    both::<ringbahn::OwnedReadHalf<TcpStream>>();
    both::<ringbahn::OwnedWriteHalf<TcpStream>>();
    both::<Receive<'_, Vec<u8>, ringbahn::DefaultDriver>>();
    let receives = |socket: &Ring<std::net::UdpSocket>| is_send(&socket.recv_from([0; 8]));
    let _ = receives;
    both::<Incoming<'_, TcpListener, ringbahn::DefaultDriver>>();
    let stay = |_: &Ring<TcpListener>, _: &Ring<File>| {};
    let _ = stay;
    #[allow(dead_code)]
    fn futures(mut file: Ring<File>, mut other: Ring<File>, listener: &Ring<TcpListener>) {
        is_send(&ringbahn::io::copy(&mut file, &mut other));
        is_send(&ringbahn::io::copy_bidirectional(&mut file, &mut other));
        is_send(&listener.accept());
        is_send(&file.sync_all());
        is_send(&file.read_to_end_at(Vec::new(), 0));
        is_send(&file.into_inner());
        is_send(&other.close());
    }
}
