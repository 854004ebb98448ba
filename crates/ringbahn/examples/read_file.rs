//! Reads a file into a borrowed buffer: on any executor, and with nothing to set up.
//!
//! ```sh
//! cargo run --example read_file -- /etc/hostname # or the manifest of the crate, if none is named
//! ```

#![forbid(unsafe_code)]

use std::{fs::File, io};

use futures::io::AsyncReadExt;
use ringbahn::{DefaultDriver, Ring};

async fn read_on_ringbahn(file: File, buf: &mut [u8]) -> io::Result<usize> {
    let mut file: Ring<File> = Ring::new(file);
    file.read(buf).await
}

fn main() -> io::Result<()> {
    // An operation would fail with the reason just as well. Asking first tells it apart.
    DefaultDriver::shared().unwrap_or_else(unavailable);

    let path = std::env::args().nth(1);
    let path = path.as_deref().unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let mut buf = [0; 4096];

    // The first one that is at hand; those of tokio, smol and others will do as well.
    let count = futures::executor::block_on(read_on_ringbahn(File::open(path)?, &mut buf))?;

    let text = String::from_utf8_lossy(&buf[..count]);
    println!("read {count} bytes, which begin with {:?}", text.lines().next().unwrap_or(""));
    Ok(())
}

/// Ends the program where there is no io_uring. 77 tells a test that this is no failure.
fn unavailable<T>(reason: io::Error) -> T {
    eprintln!("{reason}");
    std::process::exit(77)
}
