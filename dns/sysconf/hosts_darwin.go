package sysconf

// The system's own resolver on macOS takes a comma between names for a space.
const commaSeparates = true
