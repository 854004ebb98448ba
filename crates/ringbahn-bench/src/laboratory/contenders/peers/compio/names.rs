//! Small files that come and go.

use std::path::PathBuf;

use compio::fs;

use super::super::library::Names;
use super::Compio;
use crate::laboratory::contender::Failure;

impl<const TUNED: bool> Names for Compio<TUNED> {
    async fn come_and_go(&self, path: PathBuf, new: PathBuf) -> Result<(), Failure> {
        fs::File::create(&path).await?.close().await?;
        if fs::metadata(&path).await?.len() != 0 {
            return Err("a new file is not empty".into());
        }
        fs::rename(&path, &new).await?;
        Ok(fs::remove_file(&new).await?)
    }
}
