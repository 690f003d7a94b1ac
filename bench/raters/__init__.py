"""What raters at once cost, beside the least that a rating server must do."""
