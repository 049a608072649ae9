//! The rules of this policy.

palisade_sdk::rules! {
    CLUSTER_ADMIN = "cluster-admin", Deny:
        "a role that equals cluster-admin, under whatever name, hands over every right in reach";
        "bind a role that lists what the subject does; accept the few administrators in the setting allowedBindings, with a reason";
        "CIS Kubernetes Benchmark 5.1.1"
    CLUSTER_TAKEOVER = "cluster-takeover", Deny:
        "a grant in every namespace, or in kube-system, by which its holder comes to every right in the cluster; so also `admin` and `edit`";
        "take that grant out of the role, or bind the role by a RoleBinding in the namespaces that need it";
        "CIS Kubernetes Benchmark 5.1.8; Kubernetes documentation, RBAC Good Practices"
    CLUSTER_SECRETS = "cluster-secrets", Deny:
        "reading the Secrets of every namespace, or of kube-system, gives the credentials of everything in the cluster";
        "name the Secrets in resourceNames, or bind the role by a RoleBinding in the namespaces that need it";
        "CIS Kubernetes Benchmark 5.1.2"
    CLUSTER_WORKLOADS = "cluster-workloads", Warn:
        "writing workloads in every namespace runs any image as any ServiceAccount of the cluster";
        "bind the role by a RoleBinding in the namespaces that need it, and accept what really deploys everywhere in the setting allowedBindings";
        "CIS Kubernetes Benchmark 5.1.4"
    APPLICATION_ADMIN = "application-admin", Deny:
        "an application's ServiceAccount must not hold what `admin` or `edit` grant: whoever takes over one pod has its whole namespace";
        "write a Role with the calls that the application makes, and bind that one; view reads everything but Secrets";
        "Kubernetes documentation, RBAC Good Practices"
    NAMESPACE_ESCALATION = "namespace-escalation", Warn:
        "a ServiceAccount holds a grant in its namespace that leads to the rights of others there";
        "take that grant out of the role, or accept the binding in the setting allowedBindings, with a reason";
        "CIS Kubernetes Benchmark 5.1.4; CIS Kubernetes Benchmark 5.1.8"
    NAMESPACE_SECRETS = "namespace-secrets", Warn:
        "a ServiceAccount reads every Secret of a namespace, those of its neighbours too";
        "name the Secrets in resourceNames, or mount them into the pod and grant nothing";
        "CIS Kubernetes Benchmark 5.1.2"
    CLUSTER_WIDE_BINDING = "cluster-wide-binding", Warn:
        "a ClusterRoleBinding hands over in every namespace what a RoleBinding would in one";
        "write a RoleBinding in each namespace that needs it; it can name the same ClusterRole";
        "Kubernetes documentation, RBAC Good Practices: Least privilege"
    SYSTEM_MASTERS = "system-masters", Deny:
        "members of system:masters have every right past RBAC: binding a role to the group adds nothing, and invites its use";
        "bind a group of your own; keep certificates of system:masters for emergencies";
        "CIS Kubernetes Benchmark 5.1.7"
    ANONYMOUS_SUBJECT = "anonymous-subject", Deny:
        "what system:anonymous or system:unauthenticated hold, everybody holds who reaches the API server, without credentials";
        "bind a user, a group or a ServiceAccount that authenticates";
        "CIS Google Kubernetes Engine Benchmark 4.1.8, 4.1.9"
    EVERYONE = "everyone", Deny:
        "what system:authenticated or system:serviceaccounts hold, every pod and every user of the cluster holds";
        "bind the group or the ServiceAccounts that need it";
        "CIS Google Kubernetes Engine Benchmark 4.1.10"
    NAMESPACE_ACCOUNTS = "namespace-service-accounts", Deny:
        "what the group of a namespace's ServiceAccounts holds, every pod of the namespace holds, those on the default ServiceAccount too";
        "bind the one ServiceAccount that needs it";
        "CIS Kubernetes Benchmark 5.1.5; Kubernetes documentation, Using RBAC Authorization: ServiceAccount permissions"
    DEFAULT_SERVICE_ACCOUNT = "default-service-account", Deny:
        "what the ServiceAccount `default` holds, every pod of its namespace holds that names no other";
        "make a ServiceAccount for the application, set it as serviceAccountName of its pods, and bind that one";
        "CIS Kubernetes Benchmark 5.1.5"
    FOREIGN_SERVICE_ACCOUNT = "foreign-service-account", Deny:
        "whoever may run pods in the ServiceAccount's own namespace comes to rights in this one";
        "bind a ServiceAccount of this namespace; list namespaces of the platform, such as monitoring, in the setting platformNamespaces";
        "Kubernetes documentation, RBAC Good Practices: Namespaces as boundaries"
    COMPONENT_SUBJECT = "component-subject", Warn:
        "nodes and components of the control plane have the rights they need; more of them go to whoever takes over a node";
        "bind a ServiceAccount, and run what needs the rights in a pod";
        "Kubernetes documentation, Using Node Authorization"
    MISSING_ROLE = "missing-role", Deny:
        "a binding to a role that does not exist grants, later on, whatever somebody writes under that name";
        "apply the role first, or correct roleRef.name and roleRef.kind; a Role must be in the namespace of its RoleBinding";
        "Kubernetes API reference, RoleRef"
    INVALID_ROLE_REF = "invalid-role-ref", Deny:
        "the API server refuses a binding to anything but a Role or a ClusterRole, and a ClusterRoleBinding to a Role";
        "write roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: <the role>}, with kind Role for one of the same namespace";
        "Kubernetes API reference, RoleRef"
    INVALID_SUBJECT = "invalid-subject", Deny:
        "the API server refuses a binding with a subject like this one";
        "write {kind: ServiceAccount, name: …, namespace: …} without apiGroup, or {apiGroup: rbac.authorization.k8s.io, kind: User or Group, name: …}";
        "Kubernetes API reference, Subject"
}
