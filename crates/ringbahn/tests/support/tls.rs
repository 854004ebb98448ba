//! Scenarios of TLS: rustls upon connections of a driver.

use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use futures::future::join;
use ringbahn::{Drive, Ring};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::support::connection;

type Encrypted<D> = (client::TlsStream<Ring<TcpStream, D>>, server::TlsStream<Ring<TcpStream, D>>);

/// How many bytes go there and back.
const LENGTH: usize = 100 << 20;

/// How many bytes are written at once.
const PIECE: usize = 64 * 1024;

/// Both sides of TLS, with a certificate made for the occasion.
struct Sides {
    client: TlsConnector,
    server: TlsAcceptor,
}

impl Sides {
    fn new() -> Sides {
        let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
            .unwrap();
        Sides { client: Arc::new(client).into(), server: Arc::new(server).into() }
    }

    /// Shakes hands over a connection of `driver`, as the one who calls it `name`.
    async fn connect<D: Drive + Clone + Unpin>(
        &self,
        driver: &D,
        name: &'static str,
    ) -> (
        io::Result<client::TlsStream<Ring<TcpStream, D>>>,
        io::Result<server::TlsStream<Ring<TcpStream, D>>>,
    ) {
        let (near, far) = connection();
        let near = Ring::new_on_driver(near, driver.clone());
        let far = Ring::new_on_driver(far, driver.clone());
        let name = ServerName::try_from(name).unwrap();
        join(self.client.connect(name, near), self.server.accept(far)).await
    }

    async fn shake_hands<D: Drive + Clone + Unpin>(&self, driver: &D) -> Encrypted<D> {
        let (client, server) = self.connect(driver, "localhost").await;
        (client.unwrap(), server.unwrap())
    }
}

/// Sends back what comes, until it ends, and ends as well.
async fn echo(stream: impl AsyncRead + AsyncWrite) -> io::Result<()> {
    let (mut reader, mut writer) = split(stream);
    let mut piece = vec![0; PIECE];
    loop {
        let count = reader.read(&mut piece).await?;
        if count == 0 {
            return writer.shutdown().await;
        }
        writer.write_all(&piece[..count]).await?;
        writer.flush().await?;
    }
}

pub(crate) async fn much_data_comes_back_as_it_was(driver: impl Drive + Clone + Unpin) {
    let (client, server) = Sides::new().shake_hands(&driver).await;
    let (mut reader, mut writer) = split(client);
    let sending = async {
        let mut hasher = DefaultHasher::new();
        let mut piece = vec![0; PIECE];
        for turn in 0..(LENGTH / PIECE) as u64 {
            for (index, word) in piece.chunks_exact_mut(8).enumerate() {
                let word_value = (turn << 32 | index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                word.copy_from_slice(&word_value.to_ne_bytes());
            }
            hasher.write(&piece);
            writer.write_all(&piece).await.unwrap();
        }
        writer.shutdown().await.unwrap();
        hasher.finish()
    };
    let receiving = async {
        let mut hasher = DefaultHasher::new();
        let mut piece = vec![0; PIECE];
        for _ in 0..LENGTH / PIECE {
            reader.read_exact(&mut piece).await.unwrap();
            hasher.write(&piece);
        }
        assert_eq!(reader.read(&mut piece).await.unwrap(), 0);
        hasher.finish()
    };
    let (echoed, (sent, received)) = join(echo(server), join(sending, receiving)).await;
    echoed.unwrap();
    assert_eq!(sent, received);
}

pub(crate) async fn an_end_that_was_announced_is_an_end(driver: impl Drive + Clone + Unpin) {
    let (mut client, mut server) = Sides::new().shake_hands(&driver).await;
    client.write_all(b"that is all").await.unwrap();
    client.shutdown().await.unwrap();
    let mut text = String::new();
    server.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "that is all");

    // The other direction is still open.
    server.write_all(b"understood").await.unwrap();
    server.shutdown().await.unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "understood");
}

pub(crate) async fn an_end_that_was_not_announced_is_an_error(driver: impl Drive + Clone + Unpin) {
    let (mut client, mut server) = Sides::new().shake_hands(&driver).await;
    client.write_all(b"that is a").await.unwrap();
    client.flush().await.unwrap();
    let (stream, _) = client.into_inner();
    // Closed with tickets of the server unread, the connection would be reset instead of ended.
    stream.shutdown(Shutdown::Write).await.unwrap();
    let mut text = Vec::new();
    let error = server.read_to_end(&mut text).await.unwrap_err();
    assert_eq!((error.kind(), &text[..]), (io::ErrorKind::UnexpectedEof, &b"that is a"[..]));
}

pub(crate) async fn a_server_of_another_name_is_refused(driver: impl Drive + Clone + Unpin) {
    let (client, server) = Sides::new().connect(&driver, "example.org").await;
    let error = client.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    // The alert has reached the server.
    let error = server.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
}
