//! Groups with fewer buffers than there are handles: all get on, nobody tries in vain, and no error
//! is seen.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::thread;

use futures::FutureExt;
use futures::executor::block_on as run;
use futures::future::{Either, join, join_all, select};
use futures::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use ringbahn::{BufferGroup, Drive, LocalDriver, Provided, Ring, SharedDriver};

use super::scene::{free, in_time, next_turn, play, take_all};
use super::support::wait_until;

/// A handle that chooses from the group, and one to the other end that does not.
fn ends<D: Drive + Clone + Unpin>(
    driver: &D,
    group: &BufferGroup,
) -> (Ring<UnixStream, D, Provided>, Ring<UnixStream, D>) {
    let (near, far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver.clone());
    let far = Ring::new_on_driver(far, driver.clone());
    (near.buffered(Provided::new(group.clone())), far)
}

/// 64 clients send messages of several buffers and wait for their echoes.
async fn sixty_four_echo<D: Drive + Clone + Unpin>(driver: &D, group: &BufferGroup) {
    join_all((0..64).map(|number| async move {
        let (mut near, mut far) = ends(driver, group);
        let serve = async move {
            let mut piece = [0; 1000];
            loop {
                match near.read(&mut piece).await.unwrap() {
                    0 => return near.close().await.unwrap(),
                    count => near.write_all(&piece[..count]).await.unwrap(),
                }
                near.flush().await.unwrap();
            }
        };
        let ask = async move {
            for round in 0..10 {
                let message = [number ^ round; 700];
                far.write_all(&message).await.unwrap();
                let mut echo = [0; 700];
                far.read_exact(&mut echo).await.unwrap();
                assert_eq!(echo, message);
            }
            far.close().await.unwrap();
        };
        join(serve, ask).await;
    }))
    .await;
}

#[test]
fn sixty_four_connections_share_four_buffers() {
    play("sixty_four_connections_share_four_buffers", (4, 256), |driver, group| {
        run(sixty_four_echo(&driver, &group));
        assert_eq!(free(&driver, &group), 4);
    });
}

#[test]
fn sixty_four_connections_of_one_thread_share_four_buffers() {
    let test = "sixty_four_connections_of_one_thread_share_four_buffers";
    play(test, (1, 16), |_, _| {
        in_time(|| {
            let driver = LocalDriver::builder().entries(8).completion_entries(16).build().unwrap();
            let group = driver.buffer_group(4, 256).unwrap();
            driver.block_on(sixty_four_echo(&driver, &group));
        });
    });
}

#[test]
fn a_read_waits_for_a_buffer_and_does_not_try_again_before_one_is_there() {
    let test = "a_read_waits_for_a_buffer_and_does_not_try_again_before_one_is_there";
    play(test, (2, 16), |driver, group| {
        let (near, mut far) = UnixStream::pair().unwrap();
        let near = Ring::new_on_driver(near, driver.clone());
        let mut near = near.buffered(Provided::new(group.clone()));
        far.write_all(b"data").unwrap();
        let mut taken = take_all(&driver, &group);
        assert_eq!(taken.len(), 2);
        let before = driver.counters().submitted;
        assert!(near.fill_buf().now_or_never().is_none());
        wait_until("it has found no buffer", || driver.counters().in_flight == 0);
        for _ in 0..100 {
            // Dropped each time: nothing is lost by it.
            assert!(near.fill_buf().now_or_never().is_none());
        }
        assert_eq!(driver.counters().submitted, before + 1, "it tried in vain");
        let reader = thread::spawn(move || {
            assert_eq!(run(near.fill_buf()).unwrap(), b"data");
            near
        });
        // Another one may be given back first, of which the reader has nothing.
        drop(taken.pop());
        let near = reader.join().unwrap();
        assert_eq!(free(&driver, &group), 0, "it lies in the one that has come back");
        drop(near);
        drop(taken);
        assert_eq!(free(&driver, &group), 2);
    });
}

#[test]
fn a_read_with_an_owned_buffer_needs_none_of_the_group() {
    play("a_read_with_an_owned_buffer_needs_none_of_the_group", (1, 16), |driver, group| {
        let (mut near, far) = ends::<SharedDriver>(&driver, &group);
        let _taken = take_all(&driver, &group);
        run(async {
            far.send_all("data").await.0.unwrap();
            assert!(near.fill_buf().now_or_never().is_none());
            let (count, text) = near.recv(Vec::with_capacity(16)).await;
            assert_eq!((count.unwrap(), &text[..]), (4, &b"data"[..]));
        });
    });
}

#[test]
fn a_greedy_reader_lets_others_have_the_buffer() {
    play("a_greedy_reader_lets_others_have_the_buffer", (1, 16), |driver, group| {
        let (mut greedy, flood) = ends::<SharedDriver>(&driver, &group);
        let (mut modest, far) = ends::<SharedDriver>(&driver, &group);
        run(async {
            flood.send_all(vec![1; 64 * 1024]).await.0.unwrap();
            assert_eq!(greedy.fill_buf().await.unwrap().len(), 16);
            far.send_all(vec![2; 48]).await.0.unwrap();
            let mut text = [0; 48];
            // It finds no buffer.
            let mut reading = modest.read_exact(&mut text);
            assert!((&mut reading).now_or_never().is_none());
            while driver.counters().in_flight > 0 {
                next_turn().await;
            }
            let mut pieces = 0;
            let take = async {
                for _ in 0..1000 {
                    greedy.consume_unpin(16);
                    greedy.fill_buf().await.unwrap();
                    pieces += 1;
                }
            };
            futures::pin_mut!(take);
            match select(reading, take).await {
                Either::Left((read, _)) => read.unwrap(),
                Either::Right(_) => panic!("it has had none of 1000 buffers"),
            }
            assert!(pieces < 20, "{pieces} pieces came before three");
            assert_eq!(text, [2; 48]);
        });
    });
}
