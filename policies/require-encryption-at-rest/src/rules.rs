//! The rules of this policy.

palisade_sdk::rules! {
    NOT_CONFIGURED = "encryption-not-configured", Deny:
        "an API server without --encryption-provider-config stores Secrets as they are: who reads etcd or a backup of it reads them all";
        "write an EncryptionConfiguration, and give its path to the API server as --encryption-provider-config";
        "CIS Kubernetes Benchmark 1.2.27"
    NOT_MOUNTED = "encryption-config-not-mounted", Deny:
        "the file that --encryption-provider-config names is in no volume of the API server, which does not start without it";
        "mount the directory of the file, read-only, at the path that the flag names";
        "Kubernetes documentation, Encrypting Confidential Data at Rest: Use the new encryption configuration file"
    IN_CONFIG_MAP = "encryption-config-in-configmap", Warn:
        "keys in a ConfigMap are read by whoever reads ConfigMaps, and are not encrypted themselves";
        "keep the EncryptionConfiguration in a Secret of the cluster that hosts this API server";
        "Kubernetes documentation, Encrypting Confidential Data at Rest: Understanding the encryption at rest configuration"
    FLAGS_HIDDEN = "flags-not-visible", Warn:
        "an API server gets flags by variables that are set elsewhere: whether it encrypts is not to be seen";
        "write --encryption-provider-config among the arguments";
        "CIS Kubernetes Benchmark 1.2.27"
    SWITCHED_OFF = "secrets-encryption-off", Deny:
        "k3s encrypts Secrets only where it is told to, RKE2 unless it is told not to";
        "set secrets-encryption: true when the first server starts";
        "CIS Kubernetes Benchmark 1.2.27; K3s and RKE2 documentation, Secrets Encryption"
    NOT_ENCRYPTED = "resource-not-encrypted", Deny:
        "an EncryptionConfiguration that does not cover a resource leaves it as it is";
        "add {resources: [secrets], providers: [{kms: {apiVersion: v2, name: …, endpoint: unix:///…}}, {identity: {}}]} to resources";
        "CIS Kubernetes Benchmark 1.2.28; Kubernetes documentation, Encrypting Confidential Data at Rest"
    IDENTITY_FIRST = "identity-first", Deny:
        "the first provider writes, and identity writes plain text";
        "put the provider that encrypts first, and identity last, to read what is not encrypted yet";
        "CIS Kubernetes Benchmark 1.2.28; Kubernetes documentation, Encrypting Confidential Data at Rest: Providers"
    KMS_V1 = "kms-v1", Deny:
        "KMS v1, which is the default, is deprecated since Kubernetes 1.28 and switched off since 1.29";
        "write apiVersion: v2, and put the provider with v1 behind it until everything is written anew";
        "Kubernetes documentation, Using a KMS provider for data encryption"
    AES_GCM = "aes-gcm", Deny:
        "aesgcm gives away its key unless that is replaced every 200,000 writes, which nothing in Kubernetes does";
        "write with kms v2, or with secretbox, and leave aesgcm behind it until everything is written anew";
        "Kubernetes documentation, Encrypting Confidential Data at Rest: Providers"
    LOCAL_KEY = "local-key", Warn:
        "the key lies on the disk of the node, beside what it encrypts: who takes over the node, or reads this file, has both";
        "use kms with apiVersion v2, which keeps the key outside";
        "Kubernetes documentation, Encrypting Confidential Data at Rest: Providers"
    WEAK_KEY = "weak-key", Deny:
        "a key that is text, an example, or a pattern can be guessed; one of the wrong length is not taken";
        "make one by `head -c 32 /dev/urandom | base64`, and keep it out of version control";
        "Kubernetes documentation, Encrypting Confidential Data at Rest: Generate the encryption key"
    INLINE_KEY = "inline-key", Deny:
        "a key in an object of Cluster API is read by whoever reads that object, and stays in its history";
        "give the file contentFrom: {secret: {name: …, key: …}} instead of content";
        "Cluster API documentation, Kubeadm based bootstrap: files"
    INVALID = "invalid-configuration", Deny:
        "an EncryptionConfiguration that the API server does not take, or not as it is written: it does not start, or goes on with the former one";
        "write it as the Kubernetes documentation describes";
        "Kubernetes API reference, EncryptionConfiguration (apiserver.config.k8s.io/v1)"
}
