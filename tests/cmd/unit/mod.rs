mod every_rule;
