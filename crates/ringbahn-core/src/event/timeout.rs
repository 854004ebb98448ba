//! stub
use super::*;
use std::time::Duration;
/// stub
#[derive(Debug)]
pub struct Timeout;
impl Timeout {
    /// stub
    pub fn new(_d: Duration) -> Timeout {
        Timeout
    }
}
impl Event for Timeout {
    type Output = std::io::Result<()>;
    unsafe fn prepare(&mut self, s: &mut Sqes) {
        s.push(crate::Sqe::nop())
    }
    fn complete(self, o: Outcome<'_>) -> std::io::Result<()> {
        o.result().map(drop)
    }
}
