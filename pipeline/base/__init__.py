"""What is of no subject of this project: errors, files, arrays, Git, locks, processes, imports."""
