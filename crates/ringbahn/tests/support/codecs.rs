//! Scenarios of codecs: frames of tokio-util upon connections of a driver.

use std::io;
use std::net::TcpStream;

use bytes::Bytes;
use futures::future::join;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use ringbahn::{Drive, Ring};
use tokio_util::codec::{Framed, LengthDelimitedCodec, LinesCodec, LinesCodecError};

use super::support::connection;

type End<C, D> = Framed<Ring<TcpStream, D>, C>;

/// Both ends of a connection, each with a codec of its own.
fn ends<C, D: Drive + Clone + Unpin>(driver: &D, codec: impl Fn() -> C) -> (End<C, D>, End<C, D>) {
    let (near, far) = connection();
    let near = Ring::new_on_driver(near, driver.clone());
    let far = Ring::new_on_driver(far, driver.clone());
    (Framed::new(near, codec()), Framed::new(far, codec()))
}

pub(crate) async fn lines_are_answered_one_by_one(driver: impl Drive + Clone + Unpin) {
    let (mut near, mut far) = ends(&driver, || LinesCodec::new_with_max_length(10_000));
    let shouting = async {
        while let Some(line) = far.next().await {
            far.send(line.unwrap().to_uppercase()).await.unwrap();
        }
    };
    let asking = async {
        for length in [0, 1, 10, 100, 1000, 9999] {
            near.send("a".repeat(length)).await.unwrap();
            assert_eq!(near.next().await.unwrap().unwrap(), "A".repeat(length));
        }
        near.into_inner().close().await.unwrap();
    };
    join(shouting, asking).await;
}

pub(crate) async fn a_line_that_is_too_long_is_refused_and_the_next_one_read(
    driver: impl Drive + Clone + Unpin,
) {
    let (mut near, mut far) = ends(&driver, || LinesCodec::new_with_max_length(16));
    let sending = async {
        near.send("far more than sixteen bytes").await.unwrap();
        near.send("this fits").await.unwrap();
        near.into_inner().close().await.unwrap();
    };
    let receiving = async {
        let error = far.next().await.unwrap().unwrap_err();
        assert!(matches!(error, LinesCodecError::MaxLineLengthExceeded));
        // The stream of frames pauses after an error.
        assert!(far.next().await.is_none());
        assert_eq!(far.next().await.unwrap().unwrap(), "this fits");
        assert!(far.next().await.is_none());
    };
    join(sending, receiving).await;
}

pub(crate) async fn frames_of_every_size_arrive_in_order(driver: impl Drive + Clone + Unpin) {
    let (near, mut far) = ends(&driver, LengthDelimitedCodec::new);
    let frames: Vec<Bytes> = (0..200_usize)
        .map(|turn| Bytes::from(vec![turn as u8; turn * turn * 13 % 150_000]))
        .collect();
    let (mut sink, answers) = near.split();
    let sending = async {
        let mut frames = stream::iter(frames.clone()).map(Ok::<_, io::Error>);
        sink.send_all(&mut frames).await.unwrap();
        sink.close().await.unwrap();
    };
    let echoing = async {
        while let Some(frame) = far.next().await {
            far.send(frame.unwrap().freeze()).await.unwrap();
        }
        far.into_inner().close().await.unwrap();
    };
    let receiving = answers.map_ok(Bytes::from).try_collect::<Vec<Bytes>>();
    let (((), ()), received) = join(join(sending, echoing), receiving).await;
    assert!(received.unwrap() == frames);
}

pub(crate) async fn a_frame_that_breaks_off_is_an_error(driver: impl Drive + Clone + Unpin) {
    let (near, mut far) = ends(&driver, LengthDelimitedCodec::new);
    let near = near.into_inner();
    near.send_all(&b"\0\0\0\x09four"[..]).await.0.unwrap();
    near.close().await.unwrap();
    far.next().await.unwrap().unwrap_err();
}
