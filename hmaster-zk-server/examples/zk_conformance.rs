//! Runs the conformance suite against a ZooKeeper: `zk_conformance ADDRESS`. With a second address it
//! sends the same random requests to both servers, which nobody else must be using, and compares:
//! `zk_conformance ADDRESS OTHER [SEED [COUNT]]`.

#![allow(clippy::print_stdout, reason = "a program's output")]

use std::error::Error;
use std::process::ExitCode;

use hmaster_zk_server::conformance;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let addr = arguments.first().ok_or("which address?")?.parse()?;
    if let Some(other) = arguments.get(1) {
        let number = |index: usize, default| arguments.get(index).map_or(Ok(default), |text| text.parse());
        let (seed, count) = (number(2, 1)?, number(3, 10_000)?);
        return Ok(match conformance::compare::compare(addr, other.parse()?, seed, count as usize).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                println!("{failure}");
                ExitCode::FAILURE
            }
        });
    }
    let mut failed = 0;
    for case in conformance::cases() {
        match case.run(addr).await {
            Ok(()) => println!("ok   {}", case.name),
            Err(failure) => {
                failed += 1;
                println!("FAIL {}: {failure}", case.name);
            }
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
