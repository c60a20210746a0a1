figures.switches = labeled;
