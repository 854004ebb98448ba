//! Files by their path, as `std::fs` has them.

mod open_options;
mod whole;

pub use open_options::OpenOptions;
pub use whole::{read, read_on_driver, read_to_string, write, write_on_driver};
