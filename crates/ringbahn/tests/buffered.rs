//! Handles whose traits take their buffers from a pool of registered ones: the same behaviour, and
//! no buffer is kept by a handle that does nothing. The modules are about buffers that the kernel
//! chooses.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use futures::executor::block_on as run;
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use ringbahn::{Heap, Registered, RegisteredBuffers, Ring, SharedDriver};

#[path = "buffered/provided.rs"]
mod provided;
#[path = "buffered/scarcity.rs"]
mod scarcity;
#[path = "buffered/scene.rs"]
mod scene;
#[path = "support/support.rs"]
mod support;

use support::skip;

/// A driver that takes every operation through its ring, and two registered buffers of 16 bytes.
fn pool(test: &str) -> Option<(SharedDriver, RegisteredBuffers)> {
    let driver = SharedDriver::builder().entries(4).serve_at_once(false).build();
    let Ok(driver) = driver else {
        skip(test, "no io_uring");
        return None;
    };
    match driver.register_buffers(2, 16) {
        Ok(buffers) => Some((driver, buffers)),
        Err(error) => {
            skip(test, &format!("no io_uring: no registered buffers: {error}"));
            None
        }
    }
}

fn file() -> File {
    tempfile::tempfile().unwrap()
}

#[test]
fn a_file_is_written_read_and_sought_in_pieces_of_the_pool() {
    let test = "a_file_is_written_read_and_sought_in_pieces_of_the_pool";
    let Some((driver, buffers)) = pool(test) else { return };
    let mut plain = file();
    let handle = Ring::new_on_driver(plain.try_clone().unwrap(), driver);
    let mut handle: Ring<File, SharedDriver, Registered> =
        handle.buffered(Registered::new(buffers.clone()));
    let text: Vec<u8> = (0..100).collect();
    run(async {
        assert_eq!(handle.write(&text).await.unwrap(), 16, "one write fills one buffer");
        handle.write_all(&text[16..]).await.unwrap();
        handle.flush().await.unwrap();
        assert_eq!(buffers.available(), 2);
        handle.seek(SeekFrom::Start(7)).await.unwrap();
        let mut part = [0; 40];
        assert_eq!(handle.read(&mut part).await.unwrap(), 16, "and one read");
        handle.read_exact(&mut part[16..]).await.unwrap();
        assert_eq!(part, text[7..47]);
        assert_eq!(buffers.available(), 2, "an idle handle holds none");
        assert_eq!(handle.fill_buf().await.unwrap(), &text[47..63]);
        assert_eq!(buffers.available(), 1, "unread bytes lie in one");
        handle.consume_unpin(3);
        // What is unread is given back to the file.
        handle.write_all(b"!").await.unwrap();
        handle.close().await.unwrap();
    });
    assert_eq!(buffers.available(), 2);
    plain.seek(SeekFrom::Start(0)).unwrap();
    let mut all = Vec::new();
    plain.read_to_end(&mut all).unwrap();
    assert_eq!((all.len(), all[49], all[50], all[51]), (100, 49, b'!', 51));
}

#[test]
fn a_connection_echoes_with_buffers_of_the_pool_and_of_the_heap() {
    let test = "a_connection_echoes_with_buffers_of_the_pool_and_of_the_heap";
    let Some((driver, buffers)) = pool(test) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut far = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let near = Ring::new_on_driver(listener.accept().unwrap().0, driver);
    let mut near = near.buffered(Registered::new(buffers.clone()));
    let writer = thread::spawn(move || {
        far.write_all(&[7; 1000]).unwrap();
        let mut back = vec![0; 2000];
        far.read_exact(&mut back).unwrap();
        back
    });
    let mut text = [0; 500];
    run(async {
        near.read_exact(&mut text).await.unwrap();
        near.write_all(&[8; 1000]).await.unwrap();
        // None is left: the heap does as well.
        let taken: Vec<_> = std::iter::from_fn(|| buffers.take()).collect();
        near.read_exact(&mut text).await.unwrap();
        near.write_all(&[9; 1000]).await.unwrap();
        near.flush().await.unwrap();
        drop(taken);
    });
    assert_eq!(text, [7; 500]);
    let back = writer.join().unwrap();
    assert_eq!((&back[..1000], &back[1000..]), (&[8; 1000][..], &[9; 1000][..]));
    drop(near);
    assert_eq!(buffers.available(), 2);
}

#[test]
fn a_dropped_write_goes_on_and_its_buffer_comes_back() {
    let test = "a_dropped_write_goes_on_and_its_buffer_comes_back";
    let Some((driver, buffers)) = pool(test) else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver.clone());
    let mut near = near.buffered(Registered::new(buffers.clone()));
    // More than there is room for, in pieces, until one waits.
    let mut written = 0;
    run(async {
        while buffers.available() == 2 {
            written += near.write(&[5; 16]).await.unwrap();
        }
    });
    drop(near);
    assert_eq!(buffers.available(), 1, "the last write is in flight");
    let mut all = Vec::new();
    far.read_to_end(&mut all).unwrap();
    assert!(all.len() == written && all.iter().all(|byte| *byte == 5));
    assert_eq!(run(driver.shutdown(std::time::Duration::from_secs(10))).leaked, 0);
    assert_eq!(buffers.available(), 2);
}

#[test]
fn a_handle_changes_its_buffers_and_loses_nothing() {
    let test = "a_handle_changes_its_buffers_and_loses_nothing";
    let Some((driver, buffers)) = pool(test) else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let mut near = Ring::new_on_driver(near, driver).buffered(Registered::new(buffers.clone()));
    far.write_all(b"one, two, three, four").unwrap();
    let mut text = String::new();
    run(async {
        assert_eq!(near.fill_buf().await.unwrap(), b"one, two, three,");
        near.consume_unpin(5);
        let mut heap = near.buffered(Heap);
        assert_eq!(heap.fill_buf().await.unwrap(), b"two, three,");
        drop(far);
        heap.read_to_string(&mut text).await.unwrap();
        heap.into_inner().await.unwrap();
    });
    assert_eq!((text.as_str(), buffers.available()), ("two, three, four", 2));
}

#[test]
fn the_halves_of_a_stream_keep_the_pool_and_give_it_back() {
    let test = "the_halves_of_a_stream_keep_the_pool_and_give_it_back";
    let Some((driver, buffers)) = pool(test) else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver).buffered(Registered::new(buffers.clone()));
    let (mut reader, mut writer) = near.into_split();
    far.write_all(&[1; 20]).unwrap();
    run(async {
        assert_eq!(writer.write(&[2; 20]).await.unwrap(), 16);
        assert_eq!(reader.fill_buf().await.unwrap(), [1; 16]);
        assert_eq!(buffers.available(), 1);
        let mut near: Ring<_, _, Registered> = reader.reunite(writer).unwrap();
        let mut all = [0; 20];
        near.read_exact(&mut all).await.unwrap();
        assert_eq!((all, buffers.available()), ([1; 20], 2));
        let (mut reader, mut writer) = near.split();
        assert_eq!(writer.write(&[2; 20]).await.unwrap(), 16);
        far.write_all(&[3; 20]).unwrap();
        assert_eq!(reader.read(&mut all).await.unwrap(), 16);
    });
}

#[test]
fn a_copy_runs_from_and_to_handles_of_a_pool() {
    let test = "a_copy_runs_from_and_to_handles_of_a_pool";
    let Some((driver, buffers)) = pool(test) else { return };
    let (mut from, mut to) = (file(), file());
    let text: Vec<u8> = (0..=255).collect();
    from.write_all(&text).unwrap();
    from.rewind().unwrap();
    let registered = Registered::new(buffers.clone());
    let mut source = Ring::new_on_driver(from, driver.clone()).buffered(registered.clone());
    let mut sink = Ring::new_on_driver(to.try_clone().unwrap(), driver).buffered(registered);
    let copied = run(ringbahn::io::copy(&mut source, &mut sink)).unwrap();
    drop((source, sink));
    let mut all = Vec::new();
    to.rewind().unwrap();
    to.read_to_end(&mut all).unwrap();
    assert_eq!((copied, all), (256, text));
    assert_eq!(buffers.available(), 2);
}
