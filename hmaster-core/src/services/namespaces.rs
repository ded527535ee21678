//! Namespaces. Counterpart of `HMaster.createNamespace` and its kin.

use hmaster_protocol::{CallContext, pb};
use hmaster_types::{JavaException, NamespaceDescriptor, Nonce, TableName};

use super::bad_argument;
use super::submit::submit;
use crate::namespaces::create::CreateNamespace;
use crate::namespaces::delete::DeleteNamespace;
use crate::namespaces::modify::ModifyNamespace;
use crate::role::RoleCell;

pub(super) async fn create_namespace(
    role: &RoleCell,
    call: &CallContext,
    request: pb::CreateNamespaceRequest,
) -> Result<pb::CreateNamespaceResponse, JavaException> {
    let env = role.initialized()?;
    let namespace = legal(&request.namespace_descriptor)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let id = submit(&env, call, nonce, |_, prepared| CreateNamespace::procedure(namespace, prepared)).await?;
    Ok(pb::CreateNamespaceResponse { proc_id: Some(id.0) })
}

pub(super) async fn modify_namespace(
    role: &RoleCell,
    call: &CallContext,
    request: pb::ModifyNamespaceRequest,
) -> Result<pb::ModifyNamespaceResponse, JavaException> {
    let env = role.initialized()?;
    let namespace = legal(&request.namespace_descriptor)?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let id = submit(&env, call, nonce, |_, prepared| ModifyNamespace::procedure(namespace, prepared)).await?;
    Ok(pb::ModifyNamespaceResponse { proc_id: Some(id.0) })
}

pub(super) async fn delete_namespace(
    role: &RoleCell,
    call: &CallContext,
    request: pb::DeleteNamespaceRequest,
) -> Result<pb::DeleteNamespaceResponse, JavaException> {
    let env = role.initialized()?;
    let nonce = Nonce::new(request.nonce_group(), request.nonce());
    let name = request.namespace_name;
    let id = submit(&env, call, nonce, |_, prepared| DeleteNamespace::procedure(name, prepared)).await?;
    Ok(pb::DeleteNamespaceResponse { proc_id: Some(id.0) })
}

pub(super) fn get_namespace_descriptor(
    role: &RoleCell,
    request: &pb::GetNamespaceDescriptorRequest,
) -> Result<pb::GetNamespaceDescriptorResponse, JavaException> {
    let namespace = role.initialized()?.namespaces.require(&request.namespace_name)?;
    Ok(pb::GetNamespaceDescriptorResponse { namespace_descriptor: (&namespace).into() })
}

pub(super) fn list_namespace_descriptors(
    role: &RoleCell,
) -> Result<pb::ListNamespaceDescriptorsResponse, JavaException> {
    let all = role.initialized()?.namespaces.all();
    Ok(pb::ListNamespaceDescriptorsResponse { namespace_descriptor: all.iter().map(Into::into).collect() })
}

pub(super) fn list_namespaces(role: &RoleCell) -> Result<pb::ListNamespacesResponse, JavaException> {
    let all = role.initialized()?.namespaces.all();
    Ok(pb::ListNamespacesResponse {
        namespace_name: all.into_iter().map(|namespace| namespace.name).collect(),
    })
}

fn legal(message: &pb::NamespaceDescriptor) -> Result<NamespaceDescriptor, JavaException> {
    let namespace = NamespaceDescriptor::try_from(message)?;
    TableName::check_namespace(&namespace.name).map_err(bad_argument)?;
    Ok(namespace)
}
