//! The master's mind: servers, assignment, catalog, tables, procedures, chores
