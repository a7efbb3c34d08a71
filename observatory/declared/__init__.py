"""What the declarations of ``geodata`` say, typed and checked, with French messages for who writes them."""
