

pub mod yaml;
