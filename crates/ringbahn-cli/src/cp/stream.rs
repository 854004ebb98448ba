//! The way one byte after the other: for pipes, devices, and files that do not say how long they
//! are, as most of those in `/proc`.

use super::data::{Data, Trouble};

/// How much is read at once, in bytes: as much as a pipe can usually be made to hold.
const ROOM: usize = 256 << 10;

/// Copies to the end of the source.
pub(crate) async fn copy(data: &Data<'_>) -> Result<(), Trouble> {
    let mut buffer = Vec::with_capacity(ROOM);
    let mut at = 0;
    let mut end = u64::MAX;
    while at < end {
        buffer.clear();
        let (result, bytes) = data.source.read_at(buffer, at).await;
        let count = result.map_err(Trouble::Reading)?;
        if count == 0 {
            break;
        }
        if at == 0 {
            // A file that was empty a moment ago and has a length now is being written to. It is
            // copied as it is at this moment, since it may be written faster than it is read.
            let metadata = data.source.metadata().await.map_err(Trouble::Reading)?;
            if metadata.is_file() && metadata.len() > 0 {
                end = metadata.len();
            }
        }
        buffer = data.write(bytes, at).await?;
        at += count as u64;
    }
    Ok(())
}
