//! [`Connections`]: what an echo server by hand knows of its connections, and the messages that each
//! has yet to send.

/// Stands for no buffer.
const NONE: u16 = u16::MAX;

/// What is known of the connections, by their places in the ring's table, and of the messages, by
/// their buffers.
pub(super) struct Connections {
    connections: Vec<Connection>,
    /// One for each buffer.
    messages: Vec<Queued>,
}

/// What is left to send of a message in a buffer, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) start: u32,
    pub(super) length: u32,
}

#[derive(Clone, Copy)]
struct Queued {
    message: Message,
    /// The buffer of the message behind it.
    next: u16,
}

#[derive(Clone, Copy)]
struct Connection {
    /// The buffers that wait for a send to end: the first and the last, or [`NONE`].
    first: u16,
    last: u16,
    is_sending: bool,
    /// Nothing comes any more.
    has_ended: bool,
    /// Nothing can be sent any more.
    is_broken: bool,
}

const FRESH: Connection =
    Connection { first: NONE, last: NONE, is_sending: false, has_ended: false, is_broken: false };

impl Connections {
    /// None, and so many buffers.
    pub(super) fn new(buffers: u16) -> Connections {
        let empty = Queued { message: Message { start: 0, length: 0 }, next: NONE };
        Connections { connections: Vec::new(), messages: vec![empty; usize::from(buffers)] }
    }

    /// A connection has been put into a place.
    pub(super) fn open(&mut self, connection: u32) {
        let place = connection as usize;
        if place >= self.connections.len() {
            self.connections.resize(place + 1, FRESH);
        }
        self.connections[place] = FRESH;
    }

    /// A message has come. Whether it is to be sent at once: else it waits for those before it.
    pub(super) fn queue(&mut self, connection: u32, buffer: u16, length: u32) -> bool {
        let message = Message { start: 0, length };
        self.messages[usize::from(buffer)] = Queued { message, next: NONE };
        let connection = &mut self.connections[connection as usize];
        if !connection.is_sending {
            connection.is_sending = true;
            return true;
        }
        match connection.last {
            NONE => connection.first = buffer,
            last => self.messages[usize::from(last)].next = buffer,
        }
        connection.last = buffer;
        false
    }

    /// A send has ended. The buffer of the next, which is to be sent; `None` if there is none.
    pub(super) fn dequeue(&mut self, connection: u32) -> Option<u16> {
        let connection = &mut self.connections[connection as usize];
        let buffer = connection.first;
        if buffer == NONE {
            connection.is_sending = false;
            return None;
        }
        connection.first = self.messages[usize::from(buffer)].next;
        if connection.first == NONE {
            connection.last = NONE;
        }
        Some(buffer)
    }

    /// What is left to send of the message in a buffer.
    pub(super) fn message(&self, buffer: u16) -> Message {
        self.messages[usize::from(buffer)].message
    }

    /// So many bytes of a message were sent. Whether something is left.
    pub(super) fn advance(&mut self, buffer: u16, length: u32) -> bool {
        let message = &mut self.messages[usize::from(buffer)].message;
        message.start += length;
        message.length -= length;
        message.length > 0
    }

    /// Nothing comes any more. Whether the connection can be closed now.
    pub(super) fn end(&mut self, connection: u32) -> bool {
        self.connections[connection as usize].has_ended = true;
        self.is_over(connection)
    }

    /// Nothing can be sent any more.
    pub(super) fn break_off(&mut self, connection: u32) {
        self.connections[connection as usize].is_broken = true;
    }

    pub(super) fn is_broken(&self, connection: u32) -> bool {
        self.connections[connection as usize].is_broken
    }

    /// Whether nothing comes any more and nothing is being sent.
    pub(super) fn is_over(&self, connection: u32) -> bool {
        let connection = &self.connections[connection as usize];
        connection.has_ended && !connection.is_sending
    }
}
