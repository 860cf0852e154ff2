package catalog

// Hear has a catalog hear what an instance says.
var Hear = (*Catalog).hear
