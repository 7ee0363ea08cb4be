/*
 * kafkamock: a Kafka cluster for tests: the mock brokers that librdkafka carries for its own.
 * Prints their addresses and stays until it is killed. The library comes with kcat and is loaded by
 * hand, so that building needs nothing of Kafka; its few calls are declared here (librdkafka 2:
 * rdkafka.h, rdkafka_mock.h). kafkamock TOPIC PARTITIONS [TOPIC PARTITIONS]...
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRODUCER = 0, BROKERS = 1, REPLICAS = 1 };

static void *library;

/* A function's address, into the pointer at fn: ISO C has no conversion for it (dlopen(3)). */
static void find(const char *name, void *fn)
{
	void *p = dlsym(library, name);

	if (!p) {
		fprintf(stderr, "kafkamock: %s\n", dlerror());
		exit(1);
	}
	memcpy(fn, &p, sizeof p);
}

int main(int argc, char **argv)
{
	void *(*conf_new)(void);
	void *(*kafka_new)(int type, void *conf, char *why, size_t size);
	void *(*cluster_new)(void *kafka, int brokers);
	const char *(*bootstraps)(const void *cluster);
	int (*topic_create)(void *cluster, const char *topic, int partitions, int replicas);
	void *kafka, *cluster;
	char why[256] = "";

	library = dlopen("librdkafka.so.1", RTLD_NOW);
	if (!library) {
		fprintf(stderr, "kafkamock: %s\n", dlerror());
		return 1;
	}
	find("rd_kafka_conf_new", &conf_new);
	find("rd_kafka_new", &kafka_new);
	find("rd_kafka_mock_cluster_new", &cluster_new);
	find("rd_kafka_mock_cluster_bootstraps", &bootstraps);
	find("rd_kafka_mock_topic_create", &topic_create);
	kafka = kafka_new(PRODUCER, conf_new(), why, sizeof why);
	cluster = kafka ? cluster_new(kafka, BROKERS) : NULL;
	if (!cluster) {
		fprintf(stderr, "kafkamock: no cluster: %s\n", why);
		return 1;
	}
	for (int i = 1; i + 1 < argc; i += 2) {
		int err = topic_create(cluster, argv[i], (int)strtol(argv[i + 1], NULL, 10),
		                       REPLICAS);

		if (err) {
			fprintf(stderr, "kafkamock: topic %s: error %d\n", argv[i], err);
			return 1;
		}
	}
	printf("%s\n", bootstraps(cluster));
	fflush(stdout);
	for (;;)
		pause();
}
