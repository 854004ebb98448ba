//! [`Seldom`]: what few handles need, and take memory for when they do.

/// What few handles need, and take memory for when they do. The memory then stays.
#[derive(Debug)]
pub(crate) struct Seldom<T>(Option<Box<T>>);

impl<T: Default> Seldom<T> {
    pub(crate) const fn new() -> Seldom<T> {
        Seldom(None)
    }

    /// It, if it was ever needed.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    /// The same, to change it.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_deref_mut()
    }

    /// It, which is needed now.
    pub(crate) fn need(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}
