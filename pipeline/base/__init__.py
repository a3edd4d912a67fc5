"""What is no subject of this project: errors, files, arrays, Git, processes, imports."""
