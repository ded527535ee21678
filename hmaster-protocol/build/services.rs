//! Writes a module for every service: its methods as typed constants, the trait a server implements, and dispatch by
//! method name.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use heck::{ToShoutySnakeCase as _, ToSnakeCase as _};
use prost_build::{Comments, Method, Service, ServiceGenerator};

/// Collects what prost-build hands over, service by service.
#[derive(Clone, Default)]
pub(crate) struct Generator(Rc<RefCell<String>>);

impl Generator {
    /// The text of `services.rs`.
    pub(crate) fn generated(&self) -> String {
        self.0.borrow().clone()
    }
}

impl ServiceGenerator for Generator {
    fn generate(&mut self, service: Service, _beside_the_messages: &mut String) {
        let mut out = self.0.borrow_mut();
        write(&mut out, &service).expect("writing to a String can't fail");
    }
}

fn write(out: &mut String, service: &Service) -> std::fmt::Result {
    let name = &service.proto_name;
    assert_eq!(service.package, "hbase.pb", "{name}: the generated code looks for messages in `pb`");
    write!(out, "/// {name}: methods, server trait, dispatch.\npub mod {} {{\n", name.to_snake_case())?;
    writeln!(out, "use super::prelude::*;")?;
    writeln!(out, "/// The service's name on the wire.\npub const NAME: &str = {name:?};")?;
    for method in &service.methods {
        method_constant(out, method)?;
    }
    let names: Vec<_> = service.methods.iter().map(|method| method.proto_name.as_str()).collect();
    writeln!(out, "/// Every method's name on the wire.\npub const METHODS: &[&str] = &{names:?};")?;
    server_trait(out, service)?;
    dispatch(out, service)?;
    server(out, service)?;
    writeln!(out, "}}")
}

fn method_constant(out: &mut String, method: &Method) -> std::fmt::Result {
    let (input, output) = (&method.input_type, &method.output_type);
    let (name, constant) = (&method.proto_name, method.proto_name.to_shouty_snake_case());
    let line = format!("`{name}`.");
    doc(out, &method.comments, &line)?;
    writeln!(out, "pub const {constant}: Method<pb::{input}, pb::{output}> = Method::new(NAME, {name:?});")
}

fn server_trait(out: &mut String, service: &Service) -> std::fmt::Result {
    let name = &service.proto_name;
    doc(out, &service.comments, &format!("What a server of {name} does."))?;
    writeln!(
        out,
        "///\n/// `C` is what the server knows about a call: caller, deadline, cells beside the message."
    )?;
    writeln!(out, "#[async_trait]\npub trait {name}<C: Send + Sync>: Send + Sync {{")?;
    for method in &service.methods {
        let (input, output, wire) = (&method.input_type, &method.output_type, &method.proto_name);
        doc(out, &method.comments, &format!("`{wire}`; unless implemented, refused as Java does."))?;
        writeln!(
            out,
            "async fn {}(&self, ctx: &C, request: pb::{input}) -> Result<pb::{output}, JavaException> {{\n\
             let _ = (ctx, request);\nErr(unsupported_operation({wire:?}))\n}}",
            method.name,
        )?;
    }
    writeln!(out, "}}")
}

fn dispatch(out: &mut String, service: &Service) -> std::fmt::Result {
    let name = &service.proto_name;
    writeln!(
        out,
        "/// Decodes `request`, calls the method of that name, encodes its answer.\n///\n/// # Errors\n\
         /// What the method fails with; a name that isn't in [`METHODS`]; a request that doesn't decode.\n\
         pub async fn dispatch<C, S>(service: &S, ctx: &C, method: &str, request: Bytes) -> Result<Bytes, JavaException>\n\
         where C: Send + Sync, S: {name}<C> + ?Sized {{\nmatch method {{"
    )?;
    for method in &service.methods {
        let constant = method.proto_name.to_shouty_snake_case();
        writeln!(
            out,
            "{:?} => answer({constant}, request, |request| service.{}(ctx, request)).await,",
            method.proto_name, method.name
        )?;
    }
    writeln!(out, "_ => Err(unsupported_operation(method)),\n}}\n}}")
}

fn server(out: &mut String, service: &Service) -> std::fmt::Result {
    let name = &service.proto_name;
    writeln!(
        out,
        "/// A server of {name} behind [`RpcService`].\n#[derive(Debug)]\npub struct Server<S: ?Sized>(pub Arc<S>);\n\
         #[async_trait]\nimpl<C: Send + Sync, S: {name}<C> + ?Sized> RpcService<C> for Server<S> {{\n\
         fn name(&self) -> &'static str {{ NAME }}\n\
         fn methods(&self) -> &'static [&'static str] {{ METHODS }}\n\
         async fn dispatch(&self, ctx: &C, method: &str, request: Bytes) -> Result<Bytes, JavaException> {{\n\
         dispatch(&*self.0, ctx, method, request).await\n}}\n}}"
    )
}

/// The comment from the .proto file, or else `otherwise`.
fn doc(out: &mut String, comments: &Comments, otherwise: &str) -> std::fmt::Result {
    if comments.leading.is_empty() {
        return writeln!(out, "/// {otherwise}");
    }
    comments
        .leading
        .iter()
        .flat_map(|comment| comment.lines())
        .try_for_each(|line| writeln!(out, "///{line}"))
}
