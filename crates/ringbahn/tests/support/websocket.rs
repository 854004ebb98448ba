//! Scenarios of WebSockets: tokio-tungstenite upon connections of a driver.

use std::net::TcpStream;

use futures::future::join;
use futures::{SinkExt, StreamExt};
use ringbahn::{Drive, Ring};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};

use super::support::connection;

type Socket<D> = WebSocketStream<Ring<TcpStream, D>>;

/// Both ends of a WebSocket.
async fn ends<D: Drive + Clone + Unpin>(driver: &D) -> (Socket<D>, Socket<D>) {
    let (near, far) = connection();
    let near = Ring::new_on_driver(near, driver.clone());
    let far = Ring::new_on_driver(far, driver.clone());
    let (near, far) = join(client_async("ws://localhost/", near), accept_async(far)).await;
    let (near, response) = near.unwrap();
    assert_eq!(response.status(), 101);
    (near, far.unwrap())
}

/// Sends back every message, and yields how the other side has closed.
async fn echo<D: Drive + Clone + Unpin>(mut socket: Socket<D>) -> Option<CloseFrame> {
    while let Some(message) = socket.next().await {
        match message.unwrap() {
            // The answer is sent by the library, as it is read on.
            Message::Close(frame) => {
                assert!(socket.next().await.is_none());
                return frame;
            }
            Message::Ping(_) | Message::Pong(_) => {}
            message => socket.send(message).await.unwrap(),
        }
    }
    None
}

pub(crate) async fn messages_of_every_kind_are_echoed(driver: impl Drive + Clone + Unpin) {
    let (mut near, far) = ends(&driver).await;
    let talking = async {
        let big: Vec<u8> = (0..1 << 18).flat_map(u32::to_ne_bytes).collect();
        for message in [
            Message::text("hello"),
            Message::text(""),
            Message::text("ä€😀".repeat(500)),
            Message::binary(vec![0; 125]),
            Message::binary(vec![1; 126]),
            Message::binary(vec![2; 65_536]),
            Message::binary(big),
        ] {
            near.send(message.clone()).await.unwrap();
            assert!(near.next().await.unwrap().unwrap() == message);
        }
        near.send(Message::Ping("are you there".into())).await.unwrap();
        let answer = near.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::Pong("are you there".into()));

        let goodbye = CloseFrame { code: CloseCode::Normal, reason: "that is all".into() };
        near.close(Some(goodbye.clone())).await.unwrap();
        let answer = near.next().await.unwrap().unwrap();
        assert_eq!(answer, Message::Close(Some(goodbye.clone())));
        assert!(near.next().await.is_none());
        goodbye
    };
    let (closed, goodbye) = join(echo(far), talking).await;
    assert_eq!(closed, Some(goodbye));
}

pub(crate) async fn a_peer_that_leaves_without_closing_is_an_error(
    driver: impl Drive + Clone + Unpin,
) {
    let (near, mut far) = ends(&driver).await;
    near.into_inner().close().await.unwrap();
    let error = far.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error}");
}
