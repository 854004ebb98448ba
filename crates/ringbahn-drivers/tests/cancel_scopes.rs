//! Many operations cancelled at once: by a scope, by their file, or all of a driver, and what is
//! reported of them.

#[path = "support/canary.rs"]
mod canary;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

#[path = "cancel_scopes/files.rs"]
mod files;
#[path = "cancel_scopes/on_local.rs"]
mod on_local;
#[path = "cancel_scopes/scopes.rs"]
mod scopes;
#[path = "cancel_scopes/whole_driver.rs"]
mod whole_driver;
