figures.needed = labeled;
