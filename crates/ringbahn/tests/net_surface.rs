//! The surface of networks: names, sockets that are set up first, options, control messages, passed
//! descriptors, and what std has of all that.

#[path = "support/bounded.rs"]
mod bounded;
#[path = "net_surface/connecting.rs"]
mod connecting;
#[path = "net_surface/descriptors.rs"]
mod descriptors;
#[path = "net_surface/messages.rs"]
mod messages;
#[path = "net_surface/options.rs"]
mod options;
#[path = "net_surface/std_surface.rs"]
mod std_surface;
#[path = "support/support.rs"]
mod support;
