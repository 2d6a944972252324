mod node;
mod rules;
