/* A channel's producer for C: the shared memory of a headless `que` channel, join-or-create, push, publish, and a watch over
 * the consumer's heartbeat. One header, C11, little-endian Linux. docs/integration.md shows it in use.
 */
#ifndef QOS_CHANNEL_H
#define QOS_CHANNEL_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define QOS_MAGIC 0x4c41524f504d4554ull /* "TEMPORAL" */
#define QOS_SILENCE_NANOS 100000000ll   /* a sidecar that did not beat for so long is taken for dead */

/* The shared header. The elements follow. */
struct qos_header {
  _Alignas(128) _Atomic uint64_t tail; /* elements published, only ever growing */
  _Alignas(128) _Atomic uint64_t head; /* not used in headless mode */
  _Alignas(128) _Atomic uint64_t producer_heartbeat;
  _Alignas(128) _Atomic uint64_t consumer_heartbeat;
  _Alignas(128) _Atomic uint64_t metadata[14]; /* sch_to_qos: the hash's seed in the first */
  _Atomic uint64_t capacity;
  _Atomic uint64_t magic; /* written last */
  unsigned char elements[];
};

_Static_assert(offsetof(struct qos_header, producer_heartbeat) == 256, "producer_heartbeat");
_Static_assert(offsetof(struct qos_header, metadata) == 512, "metadata");
_Static_assert(offsetof(struct qos_header, capacity) == 624, "capacity");
_Static_assert(offsetof(struct qos_header, elements) == 640, "elements");

struct qos_producer {
  struct qos_header *shared;
  uint64_t tail, published, capacity, element_bytes;
  uint64_t seen_heartbeat;
  int64_t seen_at;  /* 0: no beat seen yet */
  int64_t asked_at; /* 0: not asked yet */
};

static inline int64_t qos_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* Joins the channel `name` in /dev/shm, or creates it. 0, or an errno: EPROTO where it is another kind of file or channel. */
static inline int qos_join(struct qos_producer *p, const char *name, uint64_t capacity, uint64_t element_bytes) {
  const long page = sysconf(_SC_PAGESIZE);
  uint64_t bytes = (sizeof(struct qos_header) + capacity * element_bytes + 127) / 128 * 128;
  bytes = (bytes + page - 1) / page * page;
  const int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
  if (fd < 0) return errno;
  struct stat stat;
  int failure = fstat(fd, &stat) != 0 ? errno : 0;
  if (!failure && stat.st_size == 0) failure = posix_fallocate(fd, 0, bytes);
  else if (!failure && (uint64_t)stat.st_size != bytes) failure = EPROTO;
  void *at = MAP_FAILED;
  if (!failure) {
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) failure = errno;
  }
  close(fd);
  if (failure) return failure;
  struct qos_header *shared = at;
  const uint64_t magic = atomic_load_explicit(&shared->magic, memory_order_acquire);
  if (magic == 0) {
    atomic_store(&shared->tail, 0);
    atomic_store(&shared->head, 0);
    atomic_store(&shared->producer_heartbeat, 0);
    atomic_store(&shared->consumer_heartbeat, 0);
    atomic_store(&shared->capacity, capacity);
    atomic_store_explicit(&shared->magic, QOS_MAGIC, memory_order_release);
  } else if (magic != QOS_MAGIC || atomic_load(&shared->capacity) != capacity) {
    munmap(at, bytes);
    return EPROTO;
  } else {
    atomic_fetch_add_explicit(&shared->producer_heartbeat, 1, memory_order_release);
  }
  const uint64_t tail = atomic_load_explicit(&shared->tail, memory_order_acquire);
  *p = (struct qos_producer){shared, tail, tail, capacity, element_bytes, atomic_load(&shared->consumer_heartbeat), 0, 0};
  return 0;
}

/* Publishes what was pushed, and beats. */
static inline void qos_publish(struct qos_producer *p) {
  atomic_store_explicit(&p->shared->tail, p->tail, memory_order_release);
  p->published = p->tail;
  atomic_fetch_add_explicit(&p->shared->producer_heartbeat, 1, memory_order_release);
}

/* Whether a sidecar takes what is pushed. Ask in every turn, also in a lull: a beat is noticed when it is asked for. One that
 * is found after a long pause may be as old as the pause, so the next one counts. */
static inline bool qos_is_alive(struct qos_producer *p, int64_t now) {
  const uint64_t beat = atomic_load_explicit(&p->shared->consumer_heartbeat, memory_order_acquire);
  if (beat != p->seen_heartbeat) {
    p->seen_heartbeat = beat;
    if (p->asked_at != 0 && now - p->asked_at < QOS_SILENCE_NANOS) p->seen_at = now;
  }
  p->asked_at = now;
  return p->seen_at != 0 && now - p->seen_at < QOS_SILENCE_NANOS;
}

/* Writes one element. It is published by the next `qos_publish`, at the latest after a quarter of the ring. */
static inline void qos_push(struct qos_producer *p, const void *element) {
  const uint64_t burst = p->capacity / 4 > 0 ? p->capacity / 4 : 1;
  if (p->tail - p->published >= burst) qos_publish(p);
  memcpy(p->shared->elements + (p->tail & (p->capacity - 1)) * p->element_bytes, element, p->element_bytes);
  p->tail += 1;
}

#endif
