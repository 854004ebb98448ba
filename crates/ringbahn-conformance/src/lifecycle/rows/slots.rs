//! The events that put files into slots of a ring, and take them out.

use std::net::TcpStream;

use ringbahn_core::event::{Accept, InstallFd, IntoSlot, Opens as _, SendToRing};

use crate::lifecycle::resources::Resources;
use crate::lifecycle::scene::{Manner, Scene, Staged};
use crate::props::{datagrams, listener, pipe, shared};
use crate::verdict::Stop;

pub(super) fn into_slot(manner: Manner, resources: &Resources) -> Staged<IntoSlot<Accept>> {
    let slots = resources.slots();
    if manner == Manner::Failing {
        // Nothing can be accepted there.
        let event = Accept::new(shared(datagrams()?)).into_slot(slots);
        return Ok(Scene::new(event, |accepted| accepted.map(|_| true)));
    }
    let listener = listener()?;
    let address = listener.local_addr()?;
    let scene = Scene::new(Accept::new(shared(listener)).into_slot(slots), |accepted| {
        accepted.map(|(_slot, peer)| peer.as_inet().is_some_and(|it| it.ip().is_loopback()))
    });
    match manner {
        Manner::AtOnce => Ok(scene.keeping(TcpStream::connect(address)?)),
        _ => Ok(scene.waiting(move || TcpStream::connect(address))),
    }
}

pub(super) fn install_fd(manner: Manner, resources: &Resources) -> Staged<InstallFd> {
    if manner == Manner::Failing {
        // That is no file in a slot.
        let (reader, writer) = pipe()?;
        let scene = Scene::new(InstallFd::new(reader), |made| made.map(|_file| true));
        return Ok(scene.keeping(writer));
    }
    Ok(Scene::new(InstallFd::new(resources.file().clone()), |made| made.map(|_file| true)))
}

pub(super) fn send_to_ring(manner: Manner, resources: &Resources) -> Staged<SendToRing> {
    if manner == Manner::Failing {
        return Err(Stop::skipped("a file gets into every ring that has a slot for it"));
    }
    let event = SendToRing::new(resources.file().clone(), resources.there())?;
    Ok(Scene::new(event, |sent| sent.map(|_slot| true)))
}
