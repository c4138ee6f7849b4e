/* A producer in C, for the tests: elements whose words tell their stream index, as the other peers of the tests write them.
 *
 *   producer NAME CAPACITY ELEMENT_BYTES COUNT PUBLISH_EVERY [MILLISECONDS]
 *
 * Without MILLISECONDS all COUNT elements are pushed. With it, one element is offered each 100 microseconds for so long, and
 * each is pushed while the consumer's heartbeat moves, else counted as passed by, as a validator must. Prints both numbers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "channel.h"

static void write_element(uint32_t *words, uint64_t count, uint64_t index) {
  memcpy(words, &index, 8);
  for (uint32_t k = 2; k < count; k++) words[k] = (uint32_t)index * 0x9E3779B1u + k * 0x85EBCA6Bu;
}

int main(int argc, char **argv) {
  if (argc < 6) return fprintf(stderr, "producer NAME CAPACITY ELEMENT_BYTES COUNT PUBLISH_EVERY [MILLISECONDS]\n"), 2;
  const uint64_t capacity = strtoull(argv[2], NULL, 10), element_bytes = strtoull(argv[3], NULL, 10);
  const uint64_t count = strtoull(argv[4], NULL, 10), every = strtoull(argv[5], NULL, 10);
  const int64_t watch = argc > 6 ? strtoll(argv[6], NULL, 10) * 1000000ll : 0;
  struct qos_producer producer;
  const int failure = qos_join(&producer, argv[1], capacity, element_bytes);
  if (failure) return fprintf(stderr, "%s: %s\n", argv[1], strerror(failure)), 1;
  uint32_t *element = calloc(1, element_bytes);
  if (element == NULL) return 1;
  printf("{\"joined\":%llu}\n", (unsigned long long)producer.tail);
  fflush(stdout);
  uint64_t pushed = 0, passed_by = 0;
  const int64_t start = qos_now();
  for (uint64_t i = 0; i < count; i++) {
    if (watch) {
      if (qos_now() - start > watch) break;
      nanosleep(&(struct timespec){0, 100000}, NULL);
      if (!qos_is_alive(&producer, qos_now())) {
        passed_by += 1;
        continue;
      }
    }
    write_element(element, element_bytes / 4, producer.tail);
    qos_push(&producer, element);
    pushed += 1;
    if (pushed % every == 0) qos_publish(&producer);
  }
  qos_publish(&producer);
  printf("{\"pushed\":%llu,\"passedBy\":%llu}\n", (unsigned long long)pushed, (unsigned long long)passed_by);
  free(element);
  return 0;
}
