//! Sequential nodes: their number counts the creations below the parent so far.

use super::super::requests;
use super::super::{Case, CaseResult, Context};
use crate::wire::op_code as op;

pub(super) fn list() -> Vec<Case> {
    cases!["sequences": numbers_have_ten_digits, every_creation_counts, a_failed_multi_takes_no_number]
}

async fn numbers_have_ten_digits(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let prefix = context.path("s-");
    for number in 0..12 {
        let flags = if number % 2 == 0 { 2 } else { 3 };
        let path = client.create_mode(&prefix, flags).await?.string()?;
        expect_eq!(path, format!("{prefix}{number:010}"));
    }
    Ok(())
}

async fn every_creation_counts(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    client.create(&context.path("a")).await?;
    client.delete(&context.path("a")).await?;
    client.create_mode(&context.path("e"), 1).await?;
    client.error(op::CREATE, &requests::create(&context.path("e"), None, 0)).await?;
    let path = client.create_mode(&context.path("s"), 2).await?.string()?;
    expect_eq!(path, context.path("s0000000002"));
    client.delete(&path).await?;
    let path = client.create_mode(&context.path("s"), 2).await?.string()?;
    expect_eq!(path, context.path("s0000000003"), "deletions don't count");
    Ok(())
}

async fn a_failed_multi_takes_no_number(context: &Context) -> CaseResult {
    let mut client = context.client().await?;
    let create = || (op::CREATE, requests::create(&context.path("s"), None, 2));
    let failing = (op::DELETE, requests::path_int(&context.path("none"), -1));
    client.call(op::MULTI, &requests::multi(&[create(), create(), failing])).await?;
    let path = client.create_mode(&context.path("s"), 2).await?.string()?;
    expect_eq!(path, context.path("s0000000000"));
    Ok(())
}
