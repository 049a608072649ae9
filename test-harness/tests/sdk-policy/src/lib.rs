//! Refuses pods in their node's network, or with the name of a ConfigMap of their namespace; labels others where the settings say so.

use k8s_openapi::api::core::v1::ConfigMap;
use kubewarden_policy_sdk::host_capabilities::kubernetes::{ListResourcesByNamespaceRequest, list_resources_by_namespace};
use kubewarden_policy_sdk::request::ValidationRequest;
use kubewarden_policy_sdk::settings::Validatable;
use kubewarden_policy_sdk::{accept_request, mutate_request, protocol_version_guest, reject_request, validate_settings};
use wapc_guest::{CallResult, register_function};

#[derive(Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    label: Option<String>,
}

impl Validatable for Settings {
    fn validate(&self) -> Result<(), String> {
        match self.label.as_deref() {
            Some("") => Err("label is empty".to_owned()),
            _ => Ok(()),
        }
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings::<Settings>);
    register_function("protocol_version", protocol_version_guest);
}

fn validate(payload: &[u8]) -> CallResult {
    let request: ValidationRequest<Settings> = ValidationRequest::new(payload)?;
    if request.extract_pod_spec_from_object()?.is_some_and(|spec| spec.host_network == Some(true)) {
        return reject_request(Some("the pod uses its node's network".to_owned()), Some(403), None, Some(vec!["be careful".to_owned()]));
    }
    let taken = list_resources_by_namespace::<ConfigMap>(&ListResourcesByNamespaceRequest {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        namespace: request.request.namespace.clone(),
        label_selector: None,
        field_selector: None,
        field_masks: None,
    })?;
    if taken.items.iter().any(|object| object.metadata.name.as_deref() == Some(&request.request.name)) {
        return reject_request(Some(format!("the name {} is taken", request.request.name)), None, None, None);
    }
    match request.settings.label {
        None => accept_request(),
        Some(label) => {
            let mut object = request.request.object;
            object["metadata"]["labels"]["reviewed"] = label.into();
            mutate_request(object)
        }
    }
}
