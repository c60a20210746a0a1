"""What a person does on the page, one file each: `connect` says which widgets it listens to."""
