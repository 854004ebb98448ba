//! Small files that come and go.

use std::path::PathBuf;

use monoio::fs;

use super::super::library::Names;
use super::Monoio;
use crate::laboratory::contender::Failure;

impl<const TUNED: bool> Names for Monoio<TUNED> {
    async fn come_and_go(&self, path: PathBuf, new: PathBuf) -> Result<(), Failure> {
        fs::File::create(&path).await?.close().await?;
        if fs::metadata(&path).await?.len() != 0 {
            return Err("a new file is not empty".into());
        }
        fs::rename(&path, &new).await?;
        Ok(fs::remove_file(&new).await?)
    }
}
