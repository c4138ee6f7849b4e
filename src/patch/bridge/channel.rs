//! A channel of shared memory: a header of 640 bytes, then a ring of elements; one producer, one consumer, lossy. The layout
//! is that of the crate `que` in its headless mode. The page docs/wire.md of qos describes it byte by byte.
//!
//! A file is proved before it is used, and is never cut or grown where it has another size. Its pages are reserved before
//! they are mapped: a write to a page that a full /dev/shm cannot give would end the validator with a SIGBUS.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::PathBuf,
    ptr::NonNull,
    sync::atomic::{fence, AtomicU64, Ordering},
    time::{Duration, Instant},
};

const TAIL_AT: usize = 0;
const PRODUCER_HEARTBEAT_AT: usize = 256;
const CONSUMER_HEARTBEAT_AT: usize = 384;
const METADATA_AT: usize = 512;
const CAPACITY_AT: usize = 624;
const MAGIC_AT: usize = 632;
const HEADER_BYTES: usize = 640;
const MAGIC: u64 = u64::from_le_bytes(*b"TEMPORAL");
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// A sidecar beats thousands of times a second. One that was silent for so long is taken for dead.
pub const SILENCE: Duration = Duration::from_millis(90);
/// Pause between two tries to join a channel, and between two looks at whether its file is still the same.
const LOOK_EVERY: Duration = Duration::from_millis(200);

#[derive(Clone, Debug)]
pub struct Spec {
    pub path: PathBuf,
    pub huge_pages: bool,
    pub element_bytes: usize,
    /// A power of two.
    pub capacity: u64,
}

impl Spec {
    pub fn new(prefix: &str, name: &str, huge_pages: bool, element_bytes: usize, capacity: u64) -> Self {
        let folder = if huge_pages { "/mnt/hugepages" } else { "/dev/shm" };
        let path = PathBuf::from(folder).join(format!("{prefix}{name}"));
        Self { path, huge_pages, element_bytes, capacity }
    }

    fn file_bytes(&self) -> usize {
        let bytes = HEADER_BYTES.saturating_add(self.element_bytes.saturating_mul(self.capacity as usize));
        // SAFETY: reads a constant of the system.
        let system = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let page = if self.huge_pages { HUGE_PAGE_BYTES } else { system.max(1) };
        bytes.div_ceil(128).saturating_mul(128).div_ceil(page).saturating_mul(page)
    }

    fn open(&self, create: bool) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        match options.open(&self.path) {
            Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                options.create_new(true).mode(0o600).open(&self.path)
            }
            result => result,
        }
    }
}

/// A channel's file, mapped. Unmapped when it is dropped.
struct Mapping {
    base: NonNull<u8>,
    bytes: usize,
    spec: Spec,
    device: u64,
    inode: u64,
    next_look: Instant,
}

// SAFETY: the mapping is shared memory, reached through atomics and through copies; whichever thread holds it may use it.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps a channel. None where there is none yet: it is absent, or nobody has initialised it and `create` is false.
    fn join(spec: &Spec, create: bool) -> io::Result<Option<Self>> {
        let file = match spec.open(create) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        let bytes = spec.file_bytes();
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(io::Error::other("is not a regular file"));
        }
        if facts.len() == 0 && !create {
            return Ok(None);
        }
        if facts.len() != 0 && facts.len() != bytes as u64 {
            return Err(io::Error::other(format!(
                "has {} bytes where {bytes} are expected: it is of another packet layout (qos needs --packet-layout large)",
                facts.len()
            )));
        }
        if !spec.huge_pages {
            if facts.len() == 0 {
                file.set_len(bytes as u64)?;
            }
            // SAFETY: the descriptor is open.
            let failed = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, bytes as libc::off_t) };
            if failed != 0 {
                return Err(io::Error::from_raw_os_error(failed));
            }
        }
        let huge = if spec.huge_pages { libc::MAP_HUGETLB } else { 0 };
        // SAFETY: a new mapping at an address that the kernel chooses.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | huge,
                file.as_raw_fd(),
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let Some(base) = NonNull::new(base.cast()) else {
            return Err(io::Error::other("is mapped at address 0"));
        };
        let mapping = Self {
            base,
            bytes,
            spec: spec.clone(),
            device: facts.dev(),
            inode: facts.ino(),
            next_look: Instant::now(),
        };
        mapping.prove(create).map(|ready| ready.then_some(mapping))
    }

    /// Whether the channel is initialised; initialises it where it is not and `create` says so.
    fn prove(&self, create: bool) -> io::Result<bool> {
        let capacity = self.spec.capacity;
        match self.word(MAGIC_AT).load(Ordering::Acquire) {
            MAGIC => {
                let found = self.word(CAPACITY_AT).load(Ordering::Acquire);
                if found == capacity {
                    return Ok(true);
                }
                Err(io::Error::other(format!("has a capacity of {found} where {capacity} is expected")))
            }
            0 if create => {
                for at in [TAIL_AT, 128, PRODUCER_HEARTBEAT_AT, CONSUMER_HEARTBEAT_AT] {
                    self.word(at).store(0, Ordering::Release);
                }
                self.word(CAPACITY_AT).store(capacity, Ordering::Release);
                self.word(MAGIC_AT).store(MAGIC, Ordering::Release);
                Ok(true)
            }
            0 => Ok(false),
            _ => Err(io::Error::other("is not a channel: its magic is wrong")),
        }
    }

    /// A word of the header. `at` is one of the constants above: aligned, and within the header.
    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: the mapping is page-aligned and longer than the header, and lives as long as `self`.
        unsafe { &*self.base.as_ptr().add(at).cast::<AtomicU64>() }
    }

    fn element(&self, index: u64) -> *mut u8 {
        let slot = (index & (self.spec.capacity - 1)) as usize;
        // SAFETY: slot < capacity, and the file holds `capacity` elements behind the header.
        unsafe { self.base.as_ptr().add(HEADER_BYTES + slot * self.spec.element_bytes) }
    }

    fn burst(&self) -> u64 {
        (self.spec.capacity / 4).max(1)
    }

    /// False where the path names another file now, or one of another size: an operator removed the channels and made them again.
    fn is_current(&mut self, now: Instant) -> bool {
        if now < self.next_look {
            return true;
        }
        self.next_look = now + LOOK_EVERY;
        std::fs::symlink_metadata(&self.spec.path).is_ok_and(|facts| {
            facts.dev() == self.device && facts.ino() == self.inode && facts.len() == self.bytes as u64
        })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `join` with this length, and nothing borrows from it any more.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.bytes) };
    }
}

/// An element that is being written or read. Accesses outside of it do nothing, or give zeros.
#[derive(Clone, Copy)]
pub struct Element {
    base: *mut u8,
    bytes: usize,
}

impl Element {
    pub fn write(&self, at: usize, data: &[u8]) {
        if at.checked_add(data.len()).is_some_and(|end| end <= self.bytes) {
            // SAFETY: within the element, see above; `data` is the caller's own memory.
            unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), self.base.add(at), data.len()) };
        }
    }

    pub fn read(&self, at: usize, into: &mut [u8]) {
        if at.checked_add(into.len()).is_some_and(|end| end <= self.bytes) {
            // SAFETY: as for `write`.
            unsafe { std::ptr::copy_nonoverlapping(self.base.add(at), into.as_mut_ptr(), into.len()) };
        }
    }

    pub fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut found = [0; N];
        self.read(at, &mut found);
        found
    }
}

/// Whether the other end's heartbeat moves. Ask it in every turn, also in a lull: a beat is noticed when it is asked for. One
/// that is found after a long pause may be as old as the pause, so it counts for nothing, and the next one does.
struct Watch {
    seen: u64,
    asked: Instant,
    last_beat: Option<Instant>,
}

impl Watch {
    fn new(heartbeat: u64, now: Instant) -> Self {
        Self { seen: heartbeat, asked: now, last_beat: None }
    }

    fn is_alive(&mut self, heartbeat: u64, now: Instant) -> bool {
        if heartbeat != self.seen {
            self.seen = heartbeat;
            if now.saturating_duration_since(self.asked) < SILENCE {
                self.last_beat = Some(now);
            }
        }
        self.asked = now;
        self.last_beat.is_some_and(|at| now.saturating_duration_since(at) < SILENCE)
    }
}

/// Joins again and again, with pauses, until a channel is there; says once why it cannot.
pub struct Door {
    spec: Spec,
    create: bool,
    next_try: Option<Instant>,
    said: Option<String>,
}

impl Door {
    pub fn new(spec: Spec, create: bool) -> Self {
        Self { spec, create, next_try: None, said: None }
    }

    fn knock(&mut self, now: Instant) -> Option<Mapping> {
        if self.next_try.is_some_and(|at| now < at) {
            return None;
        }
        self.next_try = Some(now + LOOK_EVERY);
        match Mapping::join(&self.spec, self.create) {
            Ok(found) => {
                self.said = None;
                found
            }
            Err(error) => {
                let text = error.to_string();
                if self.said.as_ref() != Some(&text) {
                    log::error!("qos: {} {text}", self.spec.path.display());
                    self.said = Some(text);
                }
                None
            }
        }
    }
}

/// The writing end. Without a channel, what is pushed is not written, and `is_alive` is false.
pub struct Producer {
    door: Door,
    mapping: Option<Mapping>,
    tail: u64,
    published: u64,
    watch: Watch,
}

impl Producer {
    pub fn new(spec: Spec) -> Self {
        Self {
            door: Door::new(spec, true),
            mapping: None,
            tail: 0,
            published: 0,
            watch: Watch::new(0, Instant::now()),
        }
    }

    /// Once a turn, also in a lull: joins where there is no channel yet, leaves one whose file is gone.
    /// Returns whether a sidecar reads.
    pub fn is_alive(&mut self, now: Instant) -> bool {
        if self.mapping.as_mut().is_some_and(|mapping| !mapping.is_current(now)) {
            self.mapping = None;
        }
        if self.mapping.is_none() {
            self.mapping = self.door.knock(now);
            if let Some(mapping) = &self.mapping {
                mapping.word(PRODUCER_HEARTBEAT_AT).fetch_add(1, Ordering::Release);
                self.tail = mapping.word(TAIL_AT).load(Ordering::Acquire);
                self.published = self.tail;
                self.watch = Watch::new(mapping.word(CONSUMER_HEARTBEAT_AT).load(Ordering::Acquire), now);
            }
        }
        let Some(mapping) = &self.mapping else { return false };
        let heartbeat = mapping.word(CONSUMER_HEARTBEAT_AT).load(Ordering::Acquire);
        self.watch.is_alive(heartbeat, now)
    }

    /// When the sidecar was last seen to beat.
    pub fn last_beat(&self) -> Option<Instant> {
        self.watch.last_beat
    }

    /// Writes one element. It is read after the next `publish`.
    pub fn push(&mut self, write: impl FnOnce(Element)) {
        let Some(mapping) = &self.mapping else { return };
        if self.tail.wrapping_sub(self.published) >= mapping.burst() {
            self.publish();
        }
        let Some(mapping) = &self.mapping else { return };
        write(Element { base: mapping.element(self.tail), bytes: mapping.spec.element_bytes });
        self.tail = self.tail.wrapping_add(1);
    }

    pub fn publish(&mut self) {
        if let Some(mapping) = &self.mapping {
            if self.tail != self.published {
                mapping.word(TAIL_AT).store(self.tail, Ordering::Release);
                self.published = self.tail;
            }
        }
    }

    /// Tells the reader that somebody writes.
    pub fn beat(&self) {
        if let Some(mapping) = &self.mapping {
            mapping.word(PRODUCER_HEARTBEAT_AT).fetch_add(1, Ordering::Release);
        }
    }

    /// The first word of the user metadata.
    pub fn metadata(&self) -> u64 {
        self.mapping.as_ref().map_or(0, |mapping| mapping.word(METADATA_AT).load(Ordering::Acquire))
    }
}

/// The reading end.
pub struct Consumer {
    door: Door,
    mapping: Option<Mapping>,
    head: u64,
    /// Elements that were overwritten before they were read.
    pub lapped: u64,
}

impl Consumer {
    pub fn new(spec: Spec) -> Self {
        Self { door: Door::new(spec, false), mapping: None, head: 0, lapped: 0 }
    }

    /// Once a turn: joins where the channel is there, and beats. Returns whether there is one to read from.
    pub fn turn(&mut self, now: Instant) -> bool {
        if self.mapping.as_mut().is_some_and(|mapping| !mapping.is_current(now)) {
            self.mapping = None;
        }
        if self.mapping.is_none() {
            self.mapping = self.door.knock(now);
            if let Some(mapping) = &self.mapping {
                self.head = mapping.word(TAIL_AT).load(Ordering::Acquire);
            }
        }
        let Some(mapping) = &self.mapping else { return false };
        mapping.word(CONSUMER_HEARTBEAT_AT).fetch_add(1, Ordering::Release);
        true
    }

    /// The next element as `read` makes it, if there is one.
    pub fn pop<T>(&mut self, read: impl Fn(Element) -> T) -> Option<T> {
        let mapping = self.mapping.as_ref()?;
        let reach = mapping.spec.capacity - mapping.burst();
        loop {
            let tail = mapping.word(TAIL_AT).load(Ordering::Acquire);
            // As signed distances: a tail that somebody set back gives nothing, instead of a walk over the whole range.
            let waiting = tail.wrapping_sub(self.head) as i64;
            if waiting <= 0 {
                return None;
            }
            if waiting as u64 > reach {
                self.lapped = self.lapped.wrapping_add(waiting as u64 - reach);
                self.head = tail.wrapping_sub(reach);
                continue;
            }
            let found = read(Element { base: mapping.element(self.head), bytes: mapping.spec.element_bytes });
            fence(Ordering::Acquire);
            let tail = mapping.word(TAIL_AT).load(Ordering::Acquire);
            if tail.wrapping_sub(self.head) > reach {
                continue; // perhaps overwritten while it was read
            }
            self.head = self.head.wrapping_add(1);
            return Some(found);
        }
    }
}
