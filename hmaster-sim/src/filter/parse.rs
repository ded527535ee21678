//! From what a client sends to filters and comparators. Counterpart of `ProtobufUtil.toFilter`, `toComparator` and of
//! each filter's `parseFrom`.

use bytes::Bytes;
use hmaster_protocol::{HBaseMessage, decode, pb};
use hmaster_types::Chance;

use super::column::{
    ColumnPrefixFilter, ColumnRangeFilter, FamilyFilter, FirstKeyOnlyFilter, MultipleColumnPrefixFilter,
    QualifierFilter, TimestampsFilter,
};
use super::comparator::BitOp;
use super::count::{ColumnCountGetFilter, ColumnPaginationFilter, PageFilter, PageStart};
use super::decimal::Decimal;
use super::fuzzy::FuzzyRowFilter;
use super::list::{AllOf, OneOf};
use super::ranges::{MultiRowRangeFilter, RowRange};
use super::regex::JavaRegex;
use super::row::{InclusiveStopFilter, PrefixFilter, RandomRowFilter, RowFilter};
use super::value::{
    ColumnValueFilter, Comparison, DependentColumnFilter, KeyOnlyFilter, SingleColumnValueFilter, ValueFilter,
};
use super::wrap::{SkipFilter, WhileMatchFilter};
use super::{Answer, Comparator, CompareOp, Filter, FilterError};

const PACKAGE: &str = "org.apache.hadoop.hbase.filter.";
/// Lists of lists; Java's stack bears more, but nobody needs it.
const DEPTH_MAX: usize = 64;

/// The filter that a client sent.
///
/// # Errors
/// For a class that isn't known, and parameters that make no sense.
pub(crate) fn parse(message: &pb::Filter, chance: &Chance) -> Answer<Box<dyn Filter>> {
    Parser { chance, depth: 0 }.filter(message)
}

/// The comparator that a client sent.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_comparator(message: &pb::Comparator) -> Answer<Comparator> {
    let bytes = message.serialized_comparator.clone().unwrap_or_default();
    let class = simple_name(&message.name)?;
    let value = |comparable: pb::ByteArrayComparable| comparable.value.unwrap_or_default();
    Ok(match class {
        "BinaryComparator" => {
            Comparator::Binary(value(read::<pb::BinaryComparator>(class, bytes)?.comparable))
        }
        "BinaryPrefixComparator" => {
            Comparator::BinaryPrefix(value(read::<pb::BinaryPrefixComparator>(class, bytes)?.comparable))
        }
        "BinaryComponentComparator" => {
            let pb::BinaryComponentComparator { value, offset } = read(class, bytes)?;
            Comparator::BinaryComponent { value, offset: offset as usize }
        }
        "LongComparator" => long(&value(read::<pb::LongComparator>(class, bytes)?.comparable))?,
        "BigDecimalComparator" => {
            let bytes = value(read::<pb::BigDecimalComparator>(class, bytes)?.comparable);
            Comparator::BigDecimal(Decimal::parse(&bytes)?)
        }
        "BitComparator" => bit(read(class, bytes)?)?,
        "NullComparator" => Comparator::Null,
        "RegexStringComparator" => {
            let message: pb::RegexStringComparator = read(class, bytes)?;
            let regex = JavaRegex::new(&message.pattern, message.pattern_flags, &message.charset)?;
            Comparator::Regex(Box::new(regex))
        }
        "SubstringComparator" => {
            Comparator::Substring(read::<pb::SubstringComparator>(class, bytes)?.substr.to_lowercase())
        }
        _ => return Err(unknown(&message.name)),
    })
}

/// The operator that a client sent.
///
/// # Errors
/// For a number without meaning.
pub(crate) fn parse_op(op: i32) -> Answer<CompareOp> {
    use pb::CompareType as Op;
    let op = Op::try_from(op).map_err(|_| FilterError(format!("unknown compare type {op}")))?;
    Ok(match op {
        Op::Less => CompareOp::Less,
        Op::LessOrEqual => CompareOp::LessOrEqual,
        Op::Equal => CompareOp::Equal,
        Op::NotEqual => CompareOp::NotEqual,
        Op::GreaterOrEqual => CompareOp::GreaterOrEqual,
        Op::Greater => CompareOp::Greater,
        Op::NoOp => CompareOp::NoOp,
    })
}

struct Parser<'a> {
    chance: &'a Chance,
    depth: usize,
}

impl Parser<'_> {
    fn filter(&mut self, message: &pb::Filter) -> Answer<Box<dyn Filter>> {
        if self.depth >= DEPTH_MAX {
            return Err(FilterError(format!("filters in one another beyond {DEPTH_MAX}")));
        }
        self.depth += 1;
        let bytes = message.serialized_filter.clone().unwrap_or_default();
        let class = simple_name(&message.name)?;
        let filter = match class {
            "FilterList" | "SkipFilter" | "WhileMatchFilter" | "FilterWrapper" => self.combined(class, bytes),
            "RowFilter"
            | "PrefixFilter"
            | "InclusiveStopFilter"
            | "RandomRowFilter"
            | "FuzzyRowFilter"
            | "MultiRowRangeFilter" => self.by_row(class, bytes),
            "ValueFilter"
            | "ColumnValueFilter"
            | "SingleColumnValueFilter"
            | "SingleColumnValueExcludeFilter"
            | "DependentColumnFilter"
            | "KeyOnlyFilter" => by_value(class, bytes),
            "PageFilter" | "ColumnCountGetFilter" | "ColumnPaginationFilter" => by_count(class, bytes),
            _ => by_column(class, bytes, &message.name),
        };
        self.depth -= 1;
        filter
    }

    fn combined(&mut self, class: &str, bytes: Bytes) -> Answer<Box<dyn Filter>> {
        Ok(match class {
            "SkipFilter" => {
                let inner = self.filter(&read::<pb::SkipFilter>(class, bytes)?.filter)?;
                Box::new(SkipFilter { inner, out: false })
            }
            "WhileMatchFilter" => {
                let inner = self.filter(&read::<pb::WhileMatchFilter>(class, bytes)?.filter)?;
                Box::new(WhileMatchFilter { inner, done: false })
            }
            "FilterWrapper" => self.filter(&read::<pb::FilterWrapper>(class, bytes)?.filter)?,
            _ => {
                let list: pb::FilterList = read(class, bytes)?;
                let filters = list.filters.iter().map(|filter| self.filter(filter)).collect::<Answer<_>>()?;
                match pb::filter_list::Operator::try_from(list.operator) {
                    Ok(pb::filter_list::Operator::MustPassAll) => Box::new(AllOf::new(filters)),
                    Ok(pb::filter_list::Operator::MustPassOne) => Box::new(OneOf::new(filters)),
                    Err(_) => {
                        return Err(FilterError(format!("FilterList: unknown operator {}", list.operator)));
                    }
                }
            }
        })
    }

    fn by_row(&self, class: &str, bytes: Bytes) -> Answer<Box<dyn Filter>> {
        Ok(match class {
            "RowFilter" => {
                let comparison = comparison(&read::<pb::RowFilter>(class, bytes)?.compare_filter)?;
                Box::new(RowFilter { comparison, out: false })
            }
            "PrefixFilter" => Box::new(PrefixFilter::new(read::<pb::PrefixFilter>(class, bytes)?.prefix)),
            "InclusiveStopFilter" => {
                let stop = read::<pb::InclusiveStopFilter>(class, bytes)?.stop_row_key.unwrap_or_default();
                Box::new(InclusiveStopFilter { stop, reversed: false, done: false })
            }
            "RandomRowFilter" => {
                let probability = read::<pb::RandomRowFilter>(class, bytes)?.chance;
                Box::new(RandomRowFilter { probability, chance: self.chance.fork(), out: false })
            }
            "FuzzyRowFilter" => {
                let message: pb::FuzzyRowFilter = read(class, bytes)?;
                let pairs = message.fuzzy_keys_data.into_iter().map(|pair| (pair.first, pair.second));
                let pairs: Vec<_> = pairs.collect();
                Box::new(FuzzyRowFilter::new(&pairs, message.is_mask_v2.unwrap_or(false))?)
            }
            _ => {
                let ranges = read::<pb::MultiRowRangeFilter>(class, bytes)?.row_range_list.into_iter();
                Box::new(MultiRowRangeFilter::new(ranges.map(row_range).collect())?)
            }
        })
    }
}

fn row_range(range: pb::RowRange) -> RowRange {
    RowRange {
        start: range.start_row.unwrap_or_default(),
        start_inclusive: range.start_row_inclusive.unwrap_or(false),
        stop: range.stop_row.unwrap_or_default(),
        stop_inclusive: range.stop_row_inclusive.unwrap_or(false),
    }
}

fn by_value(class: &str, bytes: Bytes) -> Answer<Box<dyn Filter>> {
    Ok(match class {
        "ValueFilter" => {
            let comparison = comparison(&read::<pb::ValueFilter>(class, bytes)?.compare_filter)?;
            Box::new(ValueFilter { comparison })
        }
        "ColumnValueFilter" => {
            let message: pb::ColumnValueFilter = read(class, bytes)?;
            let comparison = with_comparator(message.compare_op, &message.comparator)?;
            let (family, qualifier) = (message.family, message.qualifier);
            Box::new(ColumnValueFilter { family, qualifier, comparison, found: false })
        }
        "SingleColumnValueFilter" => single_column(read(class, bytes)?, false)?,
        "SingleColumnValueExcludeFilter" => {
            let message: pb::SingleColumnValueExcludeFilter = read(class, bytes)?;
            single_column(message.single_column_value_filter, true)?
        }
        "DependentColumnFilter" => {
            let message: pb::DependentColumnFilter = read(class, bytes)?;
            Box::new(DependentColumnFilter {
                family: message.column_family.unwrap_or_default(),
                qualifier: message.column_qualifier.unwrap_or_default(),
                comparison: comparison(&message.compare_filter)?,
                drop: message.drop_dependent_column.unwrap_or(false),
                timestamps: Default::default(),
            })
        }
        _ => {
            let length_as_value = read::<pb::KeyOnlyFilter>(class, bytes)?.len_as_val;
            Box::new(KeyOnlyFilter { length_as_value })
        }
    })
}

fn single_column(message: pb::SingleColumnValueFilter, exclude: bool) -> Answer<Box<dyn Filter>> {
    Ok(Box::new(SingleColumnValueFilter {
        comparison: with_comparator(message.compare_op, &message.comparator)?,
        family: message.column_family.unwrap_or_default(),
        qualifier: message.column_qualifier.unwrap_or_default(),
        if_missing: message.filter_if_missing.unwrap_or(false),
        latest_only: message.latest_version_only.unwrap_or(false),
        exclude,
        found: false,
        matched: false,
    }))
}

fn by_count(class: &str, bytes: Bytes) -> Answer<Box<dyn Filter>> {
    Ok(match class {
        "PageFilter" => {
            Box::new(PageFilter { rows_max: read::<pb::PageFilter>(class, bytes)?.page_size, rows: 0 })
        }
        "ColumnCountGetFilter" => {
            let limit = read::<pb::ColumnCountGetFilter>(class, bytes)?.limit;
            Box::new(ColumnCountGetFilter { limit, count: 0 })
        }
        _ => {
            let pb::ColumnPaginationFilter { limit, offset, column_offset } = read(class, bytes)?;
            let from = column_offset.map_or(PageStart::Skipped(offset.unwrap_or(0)), PageStart::Column);
            Box::new(ColumnPaginationFilter { limit, from, count: 0 })
        }
    })
}

fn by_column(class: &str, bytes: Bytes, name: &str) -> Answer<Box<dyn Filter>> {
    Ok(match class {
        "FamilyFilter" => {
            let comparison = comparison(&read::<pb::FamilyFilter>(class, bytes)?.compare_filter)?;
            Box::new(FamilyFilter { comparison })
        }
        "QualifierFilter" => {
            let comparison = comparison(&read::<pb::QualifierFilter>(class, bytes)?.compare_filter)?;
            Box::new(QualifierFilter { comparison })
        }
        "ColumnPrefixFilter" => {
            Box::new(ColumnPrefixFilter { prefix: read::<pb::ColumnPrefixFilter>(class, bytes)?.prefix })
        }
        "MultipleColumnPrefixFilter" => {
            let prefixes = read::<pb::MultipleColumnPrefixFilter>(class, bytes)?.sorted_prefixes;
            let prefixes = prefixes.into_iter().collect();
            Box::new(MultipleColumnPrefixFilter { prefixes, hint: Bytes::new() })
        }
        "ColumnRangeFilter" => {
            let message: pb::ColumnRangeFilter = read(class, bytes)?;
            Box::new(ColumnRangeFilter {
                min: message.min_column,
                min_inclusive: message.min_column_inclusive.unwrap_or(false),
                max: message.max_column,
                max_inclusive: message.max_column_inclusive.unwrap_or(false),
            })
        }
        "FirstKeyOnlyFilter" => Box::new(FirstKeyOnlyFilter { qualifiers: None, found: false }),
        "FirstKeyValueMatchingQualifiersFilter" => {
            let message: pb::FirstKeyValueMatchingQualifiersFilter = read(class, bytes)?;
            Box::new(FirstKeyOnlyFilter { qualifiers: Some(message.qualifiers), found: false })
        }
        "TimestampsFilter" => {
            let message: pb::TimestampsFilter = read(class, bytes)?;
            if let Some(negative) = message.timestamps.iter().find(|timestamp| **timestamp < 0) {
                return Err(FilterError(format!("must be positive {negative}")));
            }
            let can_hint = message.can_hint.unwrap_or(false);
            Box::new(TimestampsFilter { timestamps: message.timestamps.into_iter().collect(), can_hint })
        }
        _ => return Err(unknown(name)),
    })
}

fn comparison(message: &pb::CompareFilter) -> Answer<Comparison> {
    let comparator = message.comparator.as_ref().map(parse_comparator).transpose()?;
    Ok(Comparison { op: parse_op(message.compare_op)?, comparator })
}

fn with_comparator(op: i32, comparator: &pb::Comparator) -> Answer<Comparison> {
    Ok(Comparison { op: parse_op(op)?, comparator: Some(parse_comparator(comparator)?) })
}

fn long(bytes: &[u8]) -> Answer<Comparator> {
    let value =
        bytes.try_into().map_err(|_| FilterError(format!("LongComparator of {} bytes", bytes.len())))?;
    Ok(Comparator::Long(i64::from_be_bytes(value)))
}

fn bit(message: pb::BitComparator) -> Answer<Comparator> {
    use pb::bit_comparator::BitwiseOp;
    let op = match BitwiseOp::try_from(message.bitwise_op) {
        Ok(BitwiseOp::And) => BitOp::And,
        Ok(BitwiseOp::Or) => BitOp::Or,
        Ok(BitwiseOp::Xor) => BitOp::Xor,
        Err(_) => {
            return Err(FilterError(format!("BitComparator: unknown operation {}", message.bitwise_op)));
        }
    };
    Ok(Comparator::Bit { value: message.comparable.value.unwrap_or_default(), op })
}

fn simple_name(name: &str) -> Answer<&str> {
    name.strip_prefix(PACKAGE).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> FilterError {
    FilterError(format!("java.lang.ClassNotFoundException: {name}"))
}

fn read<M: HBaseMessage>(class: &str, bytes: Bytes) -> Answer<M> {
    decode(bytes).map_err(|error| FilterError(format!("{class}: {error}")))
}
