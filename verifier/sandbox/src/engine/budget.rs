//! What a module would cost to compile, counted before the compiler sees it.
//!
//! The compiler's time and memory grow with the values that meet at the joins of a function's control flow: a loop over a
//! thousand locals makes a thousand values, at every loop. A few hundred kilobytes of wasm can so ask for gigabytes. Counting
//! is one pass over the instructions, in time and memory proportional to the file. Nothing is validated here; what does not
//! parse is left to the compiler's own check.

use wasmparser::{
    BinaryReaderError, BlockType, CompositeInnerType, FuncType, FunctionBody, Operator, Parser, Payload, TypeRef,
};

/// Cost one function may have. The costliest of a Go connector of 3.5 MB has 32,254. At the limit, one of 1,900 loops over
/// 1,000 locals takes the compiler 7 s and 270 MB.
const FUNCTION: u64 = 4_000_000;

/// Cost of all functions together. A Go connector of 3.5 MB has 2,982,556.
const MODULE: u64 = 200_000_000;

/// Bytes of one function's body. The largest of a Go connector of 3.5 MB has 29,238.
const BODY: usize = 4 << 20;

/// Cost of any function, however short: what the compiler sets up for it.
const BASE: u64 = 200;

/// Why a module is not compiled. No class of its own: [`super::compiling`] makes it a `connector_load_failed` with this text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OverBudget {
    /// One function joins too many values.
    #[error(
        "function {index} is too costly to compile: {cost} values meet at its joins, at most {FUNCTION} are allowed"
    )]
    Function {
        /// Among the module's own functions, from 0.
        index: usize,
        /// Its cost.
        cost: u64,
    },
    /// One function is too long.
    #[error("function {index} is too long to compile: {size} bytes, at most {BODY} are allowed")]
    Body {
        /// Among the module's own functions, from 0.
        index: usize,
        /// Bytes of it.
        size: usize,
    },
    /// All functions together.
    #[error(
        "the module is too costly to compile: {cost} values meet at the joins of its functions, at most {MODULE} are allowed"
    )]
    Module {
        /// Its cost, as far as it was counted.
        cost: u64,
    },
}

/// Checks a module against the budget.
///
/// # Errors
/// [`OverBudget`].
pub(super) fn check(wasm: &[u8]) -> Result<(), OverBudget> {
    let mut shape = Shape::default();
    let (mut total, mut index) = (0u64, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        let Ok(payload) = payload else { return Ok(()) };
        let Payload::CodeSectionEntry(body) = payload else {
            if shape.take(payload).is_err() {
                return Ok(());
            }
            continue;
        };
        let size = body.range().len();
        if size > BODY {
            return Err(OverBudget::Body { index, size });
        }
        let Ok(cost) = shape.cost(index, &body) else { return Ok(()) };
        if cost > FUNCTION {
            return Err(OverBudget::Function { index, cost });
        }
        total = total.saturating_add(cost);
        if total > MODULE {
            return Err(OverBudget::Module { cost: total });
        }
        index += 1;
    }
    Ok(())
}

/// How many values types and functions take and give.
#[derive(Default)]
struct Shape {
    types: Vec<Arity>,
    /// Type of every function, imported ones first.
    functions: Vec<u32>,
    imported: usize,
}

/// Values a type takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Arity {
    takes: u64,
    gives: u64,
}

impl Arity {
    fn of(kind: &FuncType) -> Arity {
        Arity { takes: kind.params().len() as u64, gives: kind.results().len() as u64 }
    }

    fn width(self) -> u64 {
        self.takes + self.gives
    }
}

impl Shape {
    fn take(&mut self, payload: Payload<'_>) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::TypeSection(section) => {
                for group in section {
                    self.types.extend(group?.into_types().map(|kind| match kind.composite_type.inner {
                        CompositeInnerType::Func(kind) => Arity::of(&kind),
                        _ => Arity::default(),
                    }));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let TypeRef::Func(kind) | TypeRef::FuncExact(kind) = import?.ty {
                        self.functions.push(kind);
                        self.imported += 1;
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for kind in section {
                    self.functions.push(kind?);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn arity(&self, kind: u32) -> Arity {
        self.types.get(kind as usize).copied().unwrap_or_default()
    }

    fn of_function(&self, function: usize) -> Arity {
        self.functions.get(function).map(|kind| self.arity(*kind)).unwrap_or_default()
    }

    /// An upper bound of the values that one function's joins and calls carry: at each block and branch every local may meet
    /// another of its values, beside those the block's type names.
    fn cost(&self, index: usize, body: &FunctionBody<'_>) -> Result<u64, BinaryReaderError> {
        let own = self.of_function(self.imported + index);
        let mut locals = own.takes;
        for group in body.get_locals_reader()? {
            locals += u64::from(group?.0);
        }
        let mut labels = vec![own.gives];
        let mut cost = BASE + locals;
        for operator in body.get_operators_reader()? {
            cost += 1 + match operator? {
                Operator::Block { blockty } | Operator::If { blockty } => {
                    let arity = self.block(blockty);
                    labels.push(arity.gives);
                    locals + arity.width()
                }
                Operator::Loop { blockty } => {
                    let arity = self.block(blockty);
                    labels.push(arity.takes);
                    locals + arity.width()
                }
                Operator::End => labels.pop().unwrap_or_default(),
                Operator::Else => labels.last().copied().unwrap_or_default(),
                Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                    locals + carried(&labels, relative_depth)
                }
                Operator::BrTable { targets } => {
                    let mut carries = locals + carried(&labels, targets.default());
                    for target in targets.targets() {
                        carries += 1 + locals + carried(&labels, target?);
                    }
                    carries
                }
                Operator::Return => own.gives,
                Operator::Call { function_index } => self.of_function(function_index as usize).width(),
                Operator::CallIndirect { type_index, .. } => self.arity(type_index).width(),
                _ => 0,
            };
        }
        Ok(cost)
    }

    fn block(&self, kind: BlockType) -> Arity {
        match kind {
            BlockType::Empty => Arity::default(),
            BlockType::Type(_) => Arity { takes: 0, gives: 1 },
            BlockType::FuncType(kind) => self.arity(kind),
        }
    }
}

/// Values a branch to that label carries.
fn carried(labels: &[u64], depth: u32) -> u64 {
    let at = labels.len().checked_sub(1 + depth as usize);
    at.and_then(|at| labels.get(at)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
