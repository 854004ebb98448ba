//! [`Places`]: where the operations of a table lie while they are in flight.
//!
//! # Safety
//!
//! PT1. The header of a [`Tenant`] is that of its operation: it lies in the record, which stays
//!      where it is as long as there is a share of it, and the tenant has one.
#![allow(unsafe_code)]

use std::ptr::NonNull;

use super::id::{FIRST_GENERATION, OPERATIONS_MAX, OperationId};
use super::{Header, Operation, Record};
use crate::event::Event;
use crate::metrics::meter::Entries;
use crate::selection::EntryFile;
use crate::sharing::{OperationShare, Sharing};

/// The places of a table.
pub(super) struct Places<S: Sharing> {
    places: Vec<Place<S>>,
    /// The first of the places without a tenant. The one left last is taken first: it is in the
    /// cache.
    free: u32,
    /// Of the places that have had a tenant, the entries of the last one; as far as they are
    /// counted.
    pub(super) entries: Vec<Entries>,
}

/// A place for one operation at a time.
struct Place<S: Sharing> {
    generation: u32,
    /// The file that the tenant's entries name.
    file: EntryFile,
    tenant: Option<Tenant<S>>,
    /// Without a tenant, the next one of those.
    next: u32,
}

/// A share of an operation, and where its header is: to be found without asking what it is.
pub(crate) struct Tenant<S: Sharing> {
    operation: OperationShare<S>,
    header: NonNull<Header<S>>,
}

/// No place.
const NONE: u32 = u32::MAX;

// SAFETY: PT1: the header goes where the share goes, and is as `Send` as that.
unsafe impl<S: Sharing> Send for Tenant<S> where OperationShare<S>: Send {}

impl<S: Sharing> Tenant<S> {
    /// That of a record, whose type is known still.
    #[inline(always)]
    pub(crate) fn of_record<E: Event>(record: &S::Share<Record<E, S>>) -> Tenant<S> {
        let header = NonNull::from(&record.header);
        Tenant { operation: S::forget_event(record.clone()), header }
    }

    /// That of an operation whose event is not known any more.
    pub(crate) fn of_operation(operation: OperationShare<S>) -> Tenant<S> {
        let header = NonNull::from(operation.header());
        Tenant { operation, header }
    }

    #[inline]
    pub(super) fn header(&self) -> &Header<S> {
        // SAFETY: PT1.
        unsafe { self.header.as_ref() }
    }

    pub(super) fn share(&self) -> OperationShare<S> {
        self.operation.clone()
    }

    /// The share itself.
    #[inline]
    pub(super) fn into_share(self) -> OperationShare<S> {
        self.operation
    }
}

impl<S: Sharing> Places<S> {
    pub(super) fn new() -> Places<S> {
        Places { places: Vec::new(), free: NONE, entries: Vec::new() }
    }

    /// Gives `tenant` a place. `None` where there are as many as a ring can tell apart.
    // Always inlined, for the reason told at `OperationTable::insert`.
    #[inline(always)]
    pub(super) fn occupy(
        &mut self,
        tenant: Tenant<S>,
        file: EntryFile,
    ) -> Option<(OperationId, &Header<S>)> {
        let mut index = self.free;
        if index as usize >= self.places.len() {
            index = self.add()?;
        }
        let place = self.places.get_mut(index as usize)?;
        self.free = place.next;
        place.file = file;
        let id = OperationId { index, generation: place.generation };
        Some((id, place.tenant.insert(tenant).header()))
    }

    /// Adds a place, as the one to be taken next.
    #[cold]
    fn add(&mut self) -> Option<u32> {
        let index = u32::try_from(self.places.len()).ok().filter(|&it| it < OPERATIONS_MAX)?;
        let (generation, file, next) = (FIRST_GENERATION, EntryFile::NONE, NONE);
        self.places.push(Place { generation, file, tenant: None, next });
        Some(index)
    }

    /// The operation in flight that `user_data` names. What bears the mark of the ring's own
    /// entries names none.
    #[inline]
    pub(super) fn find(&self, user_data: u64) -> Option<&Tenant<S>> {
        let place = self.places.get(OperationId::of(user_data).index as usize)?;
        let is_meant = OperationId::is_of_generation(user_data, place.generation);
        if is_meant { place.tenant.as_ref() } else { None }
    }

    /// The tenant of a place leaves it.
    #[inline]
    pub(super) fn vacate(&mut self, index: u32) -> Option<OperationShare<S>> {
        let place = self.places.get_mut(index as usize)?;
        let tenant = place.tenant.take()?;
        let id = OperationId { index, generation: place.generation };
        place.generation = id.next_generation().generation;
        place.next = self.free;
        self.free = index;
        Some(tenant.into_share())
    }

    /// The tenant of the place with this number.
    pub(super) fn tenant(&self, index: u32) -> Option<&Tenant<S>> {
        self.places.get(index as usize)?.tenant.as_ref()
    }

    /// The operations in flight, each with the file that its entries name.
    pub(super) fn tenants(&self) -> impl Iterator<Item = (&Tenant<S>, EntryFile)> {
        self.places.iter().filter_map(|place| Some((place.tenant.as_ref()?, place.file)))
    }

    /// Takes out the operations in flight, in the order of their places.
    pub(super) fn take_tenants(&mut self) -> impl Iterator<Item = OperationShare<S>> {
        self.places.drain(..).filter_map(|place| place.tenant).map(Tenant::into_share)
    }
}
