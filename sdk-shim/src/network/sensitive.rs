//! Ports that nobody outside has business with.

/// What listens there, by the number of the port.
///
/// Source: IANA Service Name and Transport Protocol Port Number Registry; the documentation of each product.
const PORTS: &[(u32, &str)] = &[
    (22, "SSH"),
    (23, "Telnet"),
    (111, "rpcbind"),
    (389, "LDAP"),
    (445, "SMB"),
    (873, "rsync"),
    (1433, "Microsoft SQL Server"),
    (1521, "Oracle Database"),
    (2049, "NFS"),
    (2181, "ZooKeeper"),
    (2375, "Docker, without TLS"),
    (2376, "Docker"),
    (2379, "etcd"),
    (2380, "etcd"),
    (3000, "Grafana or a development server"),
    (3306, "MySQL"),
    (3389, "Remote Desktop"),
    (4222, "NATS"),
    (4369, "the port mapper of RabbitMQ"),
    (5432, "PostgreSQL"),
    (5433, "PostgreSQL"),
    (5555, "Celery Flower"),
    (5601, "Kibana"),
    (5671, "RabbitMQ"),
    (5672, "RabbitMQ"),
    (5984, "CouchDB"),
    (6379, "Redis"),
    (6380, "Redis"),
    (6432, "PgBouncer"),
    (6443, "the API server of Kubernetes"),
    (7474, "Neo4j"),
    (7687, "Neo4j"),
    (8086, "InfluxDB"),
    (8161, "the console of ActiveMQ"),
    (8200, "Vault"),
    (9042, "Cassandra"),
    (9090, "Prometheus"),
    (9091, "the Pushgateway of Prometheus"),
    (9092, "Kafka"),
    (9093, "Alertmanager"),
    (9100, "the node exporter of Prometheus"),
    (9121, "the Redis exporter of Prometheus"),
    (9187, "the PostgreSQL exporter of Prometheus"),
    (9200, "Elasticsearch"),
    (9229, "the debugger of Node.js"),
    (9300, "Elasticsearch"),
    (10250, "the kubelet"),
    (10255, "the kubelet, without authentication"),
    (10257, "the controller manager of Kubernetes"),
    (10259, "the scheduler of Kubernetes"),
    (11211, "Memcached"),
    (15672, "the console of RabbitMQ"),
    (16379, "Redis"),
    (25672, "RabbitMQ"),
    (26257, "CockroachDB"),
    (26379, "Redis Sentinel"),
    (27017, "MongoDB"),
    (27018, "MongoDB"),
    (27019, "MongoDB"),
    (33060, "MySQL"),
    (61616, "ActiveMQ"),
];

/// What listens there, by a word in the name of the port.
const NAMES: &[(&str, &str)] = &[
    ("alertmanager", "Alertmanager"),
    ("amqp", "a message broker"),
    ("amqps", "a message broker"),
    ("cassandra", "Cassandra"),
    ("clickhouse", "ClickHouse"),
    ("cql", "Cassandra"),
    ("debug", "a debugger"),
    ("debugpy", "a debugger"),
    ("elastic", "Elasticsearch"),
    ("elasticsearch", "Elasticsearch"),
    ("epmd", "the port mapper of RabbitMQ"),
    ("etcd", "etcd"),
    ("flower", "Celery Flower"),
    ("grafana", "Grafana"),
    ("jdwp", "a debugger"),
    ("jmx", "JMX"),
    ("kafka", "Kafka"),
    ("kibana", "Kibana"),
    ("ldap", "LDAP"),
    ("mariadb", "MariaDB"),
    ("memcache", "Memcached"),
    ("memcached", "Memcached"),
    ("metrics", "metrics"),
    ("minio", "MinIO"),
    ("mongo", "MongoDB"),
    ("mongodb", "MongoDB"),
    ("mssql", "Microsoft SQL Server"),
    ("mysql", "MySQL"),
    ("nats", "NATS"),
    ("neo4j", "Neo4j"),
    ("nfs", "NFS"),
    ("opensearch", "OpenSearch"),
    ("pgbouncer", "PgBouncer"),
    ("pgsql", "PostgreSQL"),
    ("postgres", "PostgreSQL"),
    ("postgresql", "PostgreSQL"),
    ("pprof", "a profiler"),
    ("prometheus", "Prometheus"),
    ("rabbitmq", "RabbitMQ"),
    ("redis", "Redis"),
    ("rediss", "Redis"),
    ("ssh", "SSH"),
    ("vault", "Vault"),
    ("zookeeper", "ZooKeeper"),
];

/// What a port with this number serves, where that is sensitive.
pub fn by_number(number: u32) -> Option<&'static str> {
    PORTS.iter().find(|(port, _)| *port == number).map(|(_, what)| *what)
}

/// What a port with this name serves, where that is sensitive: one of its words says so.
pub fn by_name(name: &str) -> Option<&'static str> {
    name.split(['-', '_', '.'])
        .find_map(|word| NAMES.iter().find(|(known, _)| word.eq_ignore_ascii_case(known)).map(|(_, what)| *what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_name_is_enough() {
        for (name, what) in [
            ("postgres", Some("PostgreSQL")),
            ("tcp-postgresql", Some("PostgreSQL")),
            ("Redis.cache", Some("Redis")),
            ("http", None),
            ("postgresish", None),
            ("", None),
        ] {
            assert_eq!(by_name(name), what, "{name}");
        }
        assert_eq!((by_number(6379), by_number(443)), (Some("Redis"), None));
    }
}
